package webhook

// AppendHexMAC is what [HMAC] does with the bytes it signs, without the header around it.
func AppendHexMAC(s Secret, dst, text []byte) []byte { return s.appendHex(dst, text) }

// AppendBody is what Compose does for a body, into the caller's buffer.
func AppendBody(c *Composer, dst []byte, e Event) ([]byte, error) {
	r := renderers.Get().(*renderer)
	defer r.release()
	if err := r.start(c, "msg_bench", e); err != nil {
		return nil, err
	}
	return r.run(dst, c.body, MaxOutputSize)
}

// AppendRequest is what Compose does for URL, one header and body, into the caller's buffer.
func AppendRequest(c *Composer, dst []byte, e Event) (_ []byte, err error) {
	r := renderers.Get().(*renderer)
	defer r.release()
	if err := r.start(c, "msg_bench", e); err != nil {
		return nil, err
	}
	if dst, err = r.run(dst, c.url, MaxURLSize); err != nil {
		return nil, err
	}
	if dst, err = r.run(dst, c.headers[0], MaxHeaderSize); err != nil {
		return nil, err
	}
	return r.run(dst, c.body, MaxOutputSize)
}
