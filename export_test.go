package webhook

// AppendHexMAC is what [HMAC] does with the bytes it signs, without the header around it.
func AppendHexMAC(s Secret, dst, text []byte) []byte { return s.appendHex(dst, text) }

// AppendBody is what Compose does for a body, into the caller's buffer.
func AppendBody(c *Composer, dst []byte, e Event) ([]byte, error) {
	return appendParts(dst, c, e, []*part{c.body})
}

// AppendRequest is what Compose does for URL, headers and body, into the caller's buffer.
func AppendRequest(c *Composer, dst []byte, e Event) ([]byte, error) {
	return appendParts(dst, c, e, []*part{c.url, c.headers[0], c.body})
}

func appendParts(dst []byte, c *Composer, e Event, parts []*part) (_ []byte, err error) {
	r := renderers.Get().(*renderer)
	defer r.release()
	if err := r.start(c, "msg_bench", e); err != nil {
		return nil, err
	}
	for _, p := range parts {
		if dst, err = r.run(dst, p, MaxOutputSize); err != nil {
			return nil, err
		}
	}
	return dst, nil
}
