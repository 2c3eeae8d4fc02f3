package expression

// Literal is a number or boolean as a bundle writes it in place of an expression; where it cannot be one the code is bad,
// and the texts say why and what to do.
func Literal(text string) (c Code, wrong, fix string) {
	switch {
	case text == "true" || text == "false":
		c = ConstantCode(BooleanValue(text == "true"), Type{Kind: KindBoolean})
	case IsInteger(text):
		v, ok := ParseValue(text, KindInteger)
		if !ok {
			return BadCode, "does not fit an integer of 64 bits", ""
		}
		c = ConstantCode(v, Type{Kind: KindInteger})
	case !IsDecimal(text):
		return BadCode, "cannot be written as it stands", "Write the number in digits, with at most one point."
	default:
		c = ConstantCode(Value{Kind: KindDecimal, S: text}, Type{Kind: KindDecimal})
	}
	c.Source = text
	return c, "", ""
}
