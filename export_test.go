package webhook

// AppendHexMAC is what [HMAC] does with the bytes it signs, without the header around it.
func AppendHexMAC(s Secret, dst, text []byte) []byte { return s.appendHex(dst, text) }
