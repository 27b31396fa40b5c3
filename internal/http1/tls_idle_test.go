package http1_test

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
)

// Types of records and of messages of a handshake, RFC 8446, 5.1 and 4.
const (
	recordHandshake = 22
	recordData      = 23
	messageTicket   = 4
	messageUpdate   = 24
)

// What TLS 1.3 sends of its own accord over an idle connection closes nothing, and is
// answered: new keys, also such that want ours to be new, and tickets.
func TestDo_IdleTLSMessages(t *testing.T) {
	t.Parallel()
	requireAES(t)
	update := func(request byte) func(*tlsWriter) {
		return func(w *tlsWriter) {
			w.write(recordHandshake, []byte{messageUpdate, 0, 0, 1, request})
			w.update()
		}
	}
	ticket := func(w *tlsWriter) {
		message := []byte{0, 0, 0, 60, 1, 2, 3, 4, 1, 0, 0, 3, 'a', 'b', 'c', 0, 0} // for a minute
		w.write(recordHandshake, append([]byte{messageTicket, 0, 0, byte(len(message))}, message...))
	}
	tests := []struct {
		name  string
		then  []func(*tlsWriter)
		conns int32
	}{
		{"new keys", []func(*tlsWriter){update(0)}, 1},
		{"new keys on both sides", []func(*tlsWriter){update(1)}, 1},
		{"new keys, several times", []func(*tlsWriter){update(0), update(1), update(1), update(0)}, 1},
		{"tickets", []func(*tlsWriter){ticket, ticket}, 1},
		{"tickets and new keys", []func(*tlsWriter){ticket, update(1), ticket}, 1},
		{"new keys and a byte", []func(*tlsWriter){update(1), func(w *tlsWriter) { w.write(recordData, []byte("x")) }}, 2},
		{"new keys and an alert", []func(*tlsWriter){update(0), func(w *tlsWriter) { w.write(21, []byte{1, 0}) }}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var conns atomic.Int32
			var keys keyLog
			sent := make(chan struct{})
			u, config := tlsServer(t, &tls.Config{
				MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true, KeyLogWriter: &keys,
			}, func(_ int, conn *tls.Conn) {
				conns.Add(1)
				r := bufio.NewReader(conn)
				if !readRequest(r) {
					return
				}
				w := newTLSWriter(t, conn, &keys)
				w.write(recordData, []byte(ok))
				if conns.Load() == 1 {
					for _, then := range tt.then {
						then(w)
					}
					sent <- struct{}{}
				}
				for readRequest(r) {
					w.write(recordData, []byte(ok))
				}
			})
			config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			tr := newTransport(t, http1.Config{TLS: config})
			for i := range 3 {
				a, err := tr.Do(t.Context(), post(u))
				require.NoError(t, err)
				require.Equal(t, "ok", string(a.Body))
				require.Equal(t, 1, a.Requests)
				if i == 0 {
					<-sent
				}
			}
			require.Equal(t, tt.conns, conns.Load())
		})
	}
}

// requireAES skips the test on a machine on which package tls prefers another cipher.
func requireAES(t *testing.T) {
	u, config := tlsServer(t, &tls.Config{MinVersion: tls.VersionTLS13}, func(_ int, conn *tls.Conn) {
		_ = conn.HandshakeContext(t.Context())
		linger(conn)
	})
	conn, err := tls.Dial("tcp", u.Host, config)
	require.NoError(t, err)
	defer conn.Close()
	if conn.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skip("the machine prefers another cipher")
	}
}

// A keyLog keeps the secret that a server began to write with, of the last connection.
type keyLog struct{ secret atomic.Pointer[[]byte] }

func (l *keyLog) Write(line []byte) (int, error) {
	fields := strings.Fields(string(line))
	if fields[0] == "SERVER_TRAFFIC_SECRET_0" {
		secret, err := hex.DecodeString(fields[2])
		if err != nil {
			return 0, err
		}
		l.secret.Store(&secret)
	}
	return len(line), nil
}

// A tlsWriter writes records in place of a server that has written no data yet: package
// tls sends no new keys by itself.
type tlsWriter struct {
	t      testing.TB
	conn   net.Conn
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

func newTLSWriter(t testing.TB, conn *tls.Conn, keys *keyLog) *tlsWriter {
	w := &tlsWriter{t: t, conn: conn.NetConn(), secret: *keys.secret.Load()}
	w.setKey()
	return w
}

// update makes the secret that follows, RFC 8446, 7.2.
func (w *tlsWriter) update() {
	w.secret = w.expand("traffic upd", sha256.Size)
	w.setKey()
}

func (w *tlsWriter) setKey() {
	block, err := aes.NewCipher(w.expand("key", 16))
	if err == nil {
		w.aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		w.t.Error(err)
	}
	w.iv, w.seq = w.expand("iv", 12), 0
}

// expand is HKDF-Expand-Label with no context, RFC 8446, 7.1.
func (w *tlsWriter) expand(label string, size int) []byte {
	info := append([]byte{0, byte(size), byte(len("tls13 " + label))}, "tls13 "+label+"\x00"...)
	key, err := hkdf.Expand(sha256.New, w.secret, string(info), size)
	if err != nil {
		w.t.Error(err)
	}
	return key
}

// write writes a record, RFC 8446, 5.2 and 5.3.
func (w *tlsWriter) write(kind byte, data []byte) {
	nonce := bytes.Clone(w.iv)
	tail := nonce[len(nonce)-8:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^w.seq)
	w.seq++
	inner := append(bytes.Clone(data), kind)
	header := []byte{recordData, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(len(inner)+w.aead.Overhead()))
	if _, err := w.conn.Write(append(header, w.aead.Seal(nil, nonce, inner, header)...)); err != nil {
		w.t.Error(err)
	}
}
