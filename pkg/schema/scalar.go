package schema

// string checks a text, date, time or descriptor value.
func (s *run) string(f *field) bool {
	if f.Descriptor != "" && f.Kind == KindString {
		return s.descriptor(f)
	}
	value, ok := s.text(f)
	if !ok {
		return false
	}
	switch f.Kind {
	case KindDate:
		if !isDate(value) {
			plain := slashedDate(value)
			if plain == nil || s.allRefuse(refuseSlashedDates) {
				s.wrong(f, value, "Write it as 2025-03-04.", "%s is not a date", f.Name)
				return true
			}
			s.warn(f, "the date is not written as 2025-03-04; some targets refuse that")
			value = plain
		}
		s.checkYear(f, value)
	case KindDateTime:
		switch {
		case isDate(value):
			s.findPlainDate(f)
		case !isDateTime(value):
			s.wrong(f, value, "Write it as 2025-03-04T14:00:00Z.", "%s is not a date with time", f.Name)
			return true
		case value[10] == ' ':
			s.warn(f, "there is a blank between date and time where a T belongs; some targets refuse that")
		case len(value) == len("2025-03-04T14:00") || value[len("2025-03-04T14:00")] != ':':
			s.warn(f, "the time has no seconds; some targets refuse that")
		}
		s.checkYear(f, value)
		if f.slot != none || f.part != none || f.item != none || f.group != none {
			value = canonicalDateTime(value)
		}
	case KindTime:
		if !isTime(value) {
			if !isTime(withoutZone(value)) || s.allRefuse(refuseZonesOfTimes) {
				s.wrong(f, value, "Write it as 14:05:00.", "%s is not a time of day", f.Name)
				return true
			}
			s.warn(f, "the time of day has a zone; some targets refuse that")
		}
	default:
		if !s.checkText(f, value) {
			return true
		}
	}
	s.keep(f, value, 0)
	return true
}
