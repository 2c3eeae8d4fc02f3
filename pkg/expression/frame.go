package expression

// Frame is the current row, as expressions see it. One goroutine owns it and reuses it from row to
// row: what slots hold is forgotten by the number of the row that they were filled for.
type Frame struct {
	Row    int64    // counts up; never 0
	Cells  []string // of the row
	Slots  []Slot
	Missed []*Miss // lookups that may miss, and did

	args  []Value // of the calls at hand
	dates map[dateKey]string
}

// Slot is a value that is computed at most once a row.
type Slot struct {
	Row   int64
	Value Value
	Fault *Fault
}

// NewFrame makes a frame with a number of slots.
func NewFrame(slots int) *Frame {
	return &Frame{Slots: make([]Slot, slots), dates: map[dateKey]string{}}
}

// Memo makes code that is evaluated at most once a row: what it gave, value or fault, is kept in a
// slot.
func Memo(body Code, slot int) Code {
	eval := body.Eval
	body.Eval = func(r *Frame) (Value, *Fault) {
		s := &r.Slots[slot]
		if s.Row != r.Row {
			s.Value, s.Fault = eval(r)
			s.Row = r.Row
		}
		return s.Value, s.Fault
	}
	return body
}
