package durable

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// ErrSealed is wrapped by errors for what the [Config] Sealer cannot open: it has no key
// for it, or cannot be reached, or the value is damaged or of another place.
var ErrSealed = errors.New("the stored value is sealed and cannot be opened")

// A Sealer encrypts what is stored, and authenticates it together with its context: a
// text that is not stored, and that says which value of which row it is. So no value can
// be moved to another row. [AESGCM] is one; one of your own may ask a key service, which
// should then give it a key for many values, as there are several for each delivery.
//
// Its functions are safe for concurrent use, and return soon after ctx ends. They do not
// change their arguments. Their errors are logged and returned to callers of the engine,
// so they must not quote what is sealed; they are not stored.
//
// A Sealer may have a method Current(sealed []byte) bool, which reports whether a value
// is sealed as Seal does now. Without it, [Engine.Reseal] seals only what is clear.
type Sealer interface {
	// Seal returns plain, encrypted. It is called outside of the engine's transactions.
	Seal(ctx context.Context, plain, context []byte) ([]byte, error)
	// Open returns what was sealed with that context.
	Open(ctx context.Context, sealed, context []byte) ([]byte, error)
}

// sealWithin is how long a Sealer may take for a value. A worker that opens a message
// has less than 2 s for that.
const sealWithin = time.Second

// sealMark is before what is sealed: no encoded message, JSON text or secret begins so.
const sealMark = "\xfeS"

// sealTextMark is before what is sealed in a column of text, in base64.
const sealTextMark = "\x1fS"

// A place is where a sealed value is.
type place struct {
	table, column, id string
	version           int64
}

func (p place) context() []byte {
	b := make([]byte, 0, 64)
	for _, s := range []string{p.table, p.column, p.id} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return binary.AppendVarint(b, p.version)
}

func messagePlace(id string) place         { return place{"delivery", "message", id, 0} }
func eventPlace(id string) place           { return place{"event", "json", id, 0} }
func sharedPlace(id string) place          { return place{"shared_event", "json", id, 0} }
func secretPlace(id string, n int64) place { return place{"secret", "secret", id, n} }
func webhookPlace(id string, version int64) place {
	return place{"webhook", "definition", id, version}
}

func subscriptionPlace(webhookID string, rev int64) place {
	return place{"subscription", "subscriptions", webhookID, rev}
}

// The attempts of a delivery are told apart by their times.
func attemptPlace(column, id string, at int64) place { return place{"attempt", column, id, at} }

// seal returns a value as it is stored: sealed, if there is a Sealer.
func (e *Engine[T]) seal(ctx context.Context, p place, plain []byte) ([]byte, error) {
	if e.config.Sealer == nil {
		return plain, nil
	}
	if s, ok := e.config.Sealer.(*aesGCM); ok { // which needs no copy for the mark
		return s.sealAfter([]byte(sealMark), plain, p.context())
	}
	ctx, cancel := context.WithTimeout(ctx, sealWithin)
	defer cancel()
	sealed, err := e.config.Sealer.Seal(ctx, plain, p.context())
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return append([]byte(sealMark), sealed...), nil
}

// unseal returns a value as it was before seal. What is clear stays as it is.
func (e *Engine[T]) unseal(ctx context.Context, p place, data []byte) ([]byte, error) {
	sealed, ok := bytes.CutPrefix(data, []byte(sealMark))
	if !ok {
		return data, nil
	}
	if e.config.Sealer == nil {
		return nil, fmt.Errorf("%w: there is no Sealer", ErrSealed)
	}
	if _, ok := e.config.Sealer.(*aesGCM); !ok { // which never waits
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, sealWithin)
		defer cancel()
	}
	plain, err := e.config.Sealer.Open(ctx, sealed, p.context())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return plain, nil
}

// sealText is seal for a column of text. An empty one stays empty.
func (e *Engine[T]) sealText(ctx context.Context, p place, plain string) (string, error) {
	if e.config.Sealer == nil || plain == "" {
		// A receiver may answer anything.
		return strings.TrimPrefix(plain, sealTextMark), nil
	}
	sealed, err := e.seal(ctx, p, []byte(plain))
	if err != nil {
		return "", err
	}
	return encodeText(sealed), nil
}

// encodeText returns what is sealed as a column of text has it.
func encodeText(sealed []byte) string {
	return sealTextMark + base64.RawStdEncoding.EncodeToString(sealed[len(sealMark):])
}

// sealedText returns what sealText has sealed, as seal does; nil if the text is clear.
func sealedText(text string) []byte {
	text, ok := strings.CutPrefix(text, sealTextMark)
	if !ok {
		return nil
	}
	sealed, _ := base64.RawStdEncoding.DecodeString(text) // what is broken cannot be opened
	return append([]byte(sealMark), sealed...)
}

func (e *Engine[T]) openText(ctx context.Context, p place, text string) (string, error) {
	sealed := sealedText(text)
	if sealed == nil {
		return text, nil
	}
	plain, err := e.unseal(ctx, p, sealed)
	return string(plain), err
}

// An indexKey is [Config] IndexKey. What is looked for by an index is stored as a MAC
// under it, with keyedMark before it.
// The zero indexKey leaves texts as they are.
type indexKey struct {
	macs *sync.Pool // of hash.Hash; nil: no key
}

func newIndexKey(key []byte) indexKey {
	if len(key) == 0 {
		return indexKey{}
	}
	return indexKey{&sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// keyedMark is before what is stored as a MAC. Two kinds of values come back from the
// tables, so they are not hashed once more.
const keyedMark = "\x1fk"

// The kinds of what is looked for, which give different MACs of equal texts.
const (
	kindRef     = "ref"
	kindSubject = "subject"
	kindOrder   = "order"
	kindContent = "content"
	kindID      = "id"

	kindIdentity = "identity"
)

func (k indexKey) sum(kind string, value []byte) []byte {
	h := k.macs.Get().(hash.Hash)
	defer k.macs.Put(h)
	h.Reset()
	_, _ = h.Write([]byte(kind + "\x00"))
	_, _ = h.Write(value)
	return h.Sum(nil)
}

// text returns a text as it is stored, and looked for.
func (k indexKey) text(kind, s string) string {
	if k.macs == nil || s == "" {
		return s
	}
	return keyedMark + base64.RawURLEncoding.EncodeToString(k.sum(kind, []byte(s))[:16])
}

// order returns an ordering as it is stored. One that was read from the table stays.
func (k indexKey) order(s string) string {
	if strings.HasPrefix(s, keyedMark) {
		return s
	}
	return k.text(kindOrder, s)
}

// content returns a Content as it is stored. One that was read from the table stays.
func (k indexKey) content(b []byte) []byte {
	if k.macs == nil || len(b) == 0 || isKeyed(b) {
		return b
	}
	return append([]byte(keyedMark), k.sum(kindContent, b)[:16]...)
}

func (k indexKey) subject(s string) *string {
	key := subjectKey(s)
	if key != nil {
		*key = k.text(kindSubject, *key)
	}
	return key
}

func (k indexKey) refs(m *webhook.Message) []string {
	refs := refsOf(m)
	for i, ref := range refs {
		refs[i] = k.text(kindRef, ref)
	}
	return refs
}

func isKeyed(b []byte) bool {
	return len(b) == len(keyedMark)+16 && bytes.HasPrefix(b, []byte(keyedMark))
}

// A sealedEntry is what the tables get of an entry.
type sealedEntry struct {
	message, content []byte
	event            []byte // nil: none
	subject          *string
	refs             []string
}

// prepare encodes and seals what the tables get of the tasks, and hides their Order. It
// comes before the transaction.
func (e *Engine[T]) prepare(ctx context.Context, tasks []entry) (err error) {
	key := e.key
	for i := range tasks {
		task := &tasks[i]
		m := task.Message
		order := task.Order
		task.Order = key.order(order)
		task.sealed = sealedEntry{
			message: []byte{}, content: key.content(m.Content), subject: key.subject(m.Subject), refs: key.refs(m),
		}
		if task.fault == nil {
			if task.sealed.message, err = e.encode(ctx, e.traced(ctx, m), order); err != nil {
				return err
			}
		}
		if task.event != nil {
			task.sealed.event, err = e.seal(ctx, eventPlace(task.ID), task.event.json)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// traced returns a message with the trace that it is enqueued in, unless it has one.
func (e *Engine[T]) traced(ctx context.Context, m *webhook.Message) *webhook.Message {
	if e.config.Trace == nil || m.Trace != "" {
		return m
	}
	traced := *m
	if traced.Trace = e.config.Trace(ctx); traced.Check() != nil { // no trace is worth a message
		return m
	}
	return &traced
}

// encode returns a message as it is stored. What has a place of its own is left out, so
// that processes of before there was one can read the message; unless it is sealed,
// since those places have only MACs then, as that of its order has.
func (e *Engine[T]) encode(ctx context.Context, m *webhook.Message, order string) ([]byte, error) {
	if e.config.Sealer == nil {
		stored := *m
		stored.Content, stored.Refs = nil, nil
		return queue.Encode(&stored), nil
	}
	stored := *m
	stored.Refs = refsOf(m)
	prefix := append(binary.AppendUvarint(nil, uint64(len(order))), order...)
	return e.seal(ctx, messagePlace(m.ID), slices.Concat(prefix, queue.Encode(&stored)))
}

// decode returns the stored message of a delivery with its Content and Refs, which are
// as the column and refsColumn have them.
func (e *Engine[T]) decode(
	ctx context.Context, id string, data, content []byte, refs *string,
) (*webhook.Message, error) {
	m, _, err := e.decodeOrdered(ctx, id, data, content, refs)
	return m, err
}

// decodeOrdered is decode. It also returns the order, if the message is sealed.
func (e *Engine[T]) decodeOrdered(
	ctx context.Context, id string, data, content []byte, refs *string,
) (m *webhook.Message, order string, err error) {
	plain, err := e.unseal(ctx, messagePlace(id), data)
	if err != nil {
		return nil, "", err
	}
	if bytes.HasPrefix(data, []byte(sealMark)) {
		n, size := binary.Uvarint(plain)
		if size <= 0 || n > uint64(len(plain)-size) { //nolint:gosec // >= 0
			return nil, "", errors.New("the sealed message is broken")
		}
		end := size + int(n) //nolint:gosec // at most len(plain)
		order, plain = string(plain[size:end]), plain[end:]
	}
	if m, err = queue.Decode(plain); err != nil {
		return nil, "", err
	}
	if len(content) > 0 && !isKeyed(content) {
		m.Content = content
	}
	if refs != nil && !strings.HasPrefix(*refs, keyedMark) {
		m.Refs = strings.Split(*refs, "\n")
	}
	return m, order, nil
}

// openEvent opens the event of a delivery.
func (e *Engine[T]) openEvent(ctx context.Context, id string, event *keptEvent) (err error) {
	p := eventPlace(id)
	if event.shared != "" {
		p = sharedPlace(event.shared)
	}
	event.json, err = e.unseal(ctx, p, event.json)
	return err
}

// sealAnswer seals what is kept of the answer to an attempt. If it cannot be sealed,
// nothing of it is kept: the attempt has been made.
func (e *Engine[T]) sealAnswer(ctx context.Context, id string, at time.Time, a answer) answer {
	for i, column := range answerColumns {
		var err error
		if a[i], err = e.sealText(ctx, attemptPlace(column, id, micros(at)), a[i]); err != nil {
			e.log(ctx, "keep an answer", err)
			return answer{}
		}
	}
	return a
}

// openAttempts opens the answers of a delivery's attempts. An attempt with one that cannot
// be opened is marked, and lacks that.
func (e *Engine[T]) openAttempts(ctx context.Context, id string, stored []storedAttempt) []Attempt {
	attempts := make([]Attempt, len(stored))
	for i, s := range stored {
		for n, column := range answerColumns {
			var err error
			s.answer[n], err = e.openText(ctx, attemptPlace(column, id, micros(s.At)), s.answer[n])
			s.Sealed = s.Sealed || err != nil
		}
		attempts[i] = s.Attempt
		attempts[i].Answer, attempts[i].Location = s.answer[0], s.answer[1]
		attempts[i].Header = parseHeader(s.answer[2])
	}
	return attempts
}

// A sealedDefinition is the text that is stored of a sealed webhook: what lists show and
// filter by is clear.
type sealedDefinition struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Host is the scheme and the host of the URL. It is no url: processes that know
	// nothing of a Sealer are to fail, and not to send to another address.
	Host   string `json:"host"`
	Sealed []byte `json:"sealed"`
}

// sealDefinition returns the text that is stored of a version of a webhook.
func (e *Engine[T]) sealDefinition(ctx context.Context, hook webhook.Webhook, version int64) (string, error) {
	var stored any = hook
	text, err := json.Marshal(hook)
	if e.config.Sealer != nil && err == nil {
		d := sealedDefinition{ID: hook.ID, Name: hook.Name, Host: hostOf(hook.URL)}
		d.Sealed, err = e.seal(ctx, webhookPlace(hook.ID, version), text)
		stored = d
	}
	if err != nil {
		return "", err
	}
	text, err = json.Marshal(stored)
	return string(text), err
}

// hostOf returns the scheme and the host of a URL that may have placeholders in the
// rest.
func hostOf(address string) string {
	origin, _ := webhook.Origin(address)
	return origin
}

// openDefinition returns the webhook that a text is of. With an error that wraps
// ErrSealed, it has what is clear.
func (e *Engine[T]) openDefinition(ctx context.Context, id string, version int64, text string) (webhook.Webhook, error) {
	var stored sealedDefinition
	var hook webhook.Webhook
	plain := []byte(text)
	if err := json.Unmarshal(plain, &stored); err != nil {
		return webhook.Webhook{ID: id}, errUnreadable
	}
	if stored.Sealed != nil {
		var err error
		if plain, err = e.unseal(ctx, webhookPlace(id, version), stored.Sealed); err != nil {
			return webhook.Webhook{ID: id, Name: stored.Name, URL: stored.Host}, err
		}
	}
	if err := json.Unmarshal(plain, &hook); err != nil {
		return webhook.Webhook{ID: id}, errUnreadable
	}
	return hook, nil
}

// definitionSeal returns what is sealed of a definition; nil if it is clear.
func definitionSeal(text string) []byte {
	var stored sealedDefinition
	_ = json.Unmarshal([]byte(text), &stored)
	return stored.Sealed
}

// errUnreadable has not the error of json, which could quote the definition.
var errUnreadable = errors.New("the stored definition is unreadable")

// blockedText is what a delivery says whose message cannot be read.
func blockedText(err error) string {
	if errors.Is(err, ErrSealed) {
		return "the stored message is sealed and cannot be opened"
	}
	return "the stored message cannot be read"
}

// logBlocked logs what cannot be read, every few seconds only: it may be all there is.
func (e *Engine[T]) logBlocked(ctx context.Context, what string, err error) {
	now := time.Now().UnixNano()
	last := e.blockedLogged.Load()
	if now-last >= int64(5*time.Second) && e.blockedLogged.CompareAndSwap(last, now) {
		e.log(ctx, what, err)
	}
}

// warnClear logs once that there is no Sealer.
func (e *Engine[T]) warnClear() {
	if e.config.Sealer == nil {
		e.config.Logger.Info("durable: there is no Sealer: what is stored is in the clear",
			slog.String("see", "durable.Config"))
	}
}
