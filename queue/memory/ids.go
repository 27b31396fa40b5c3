package memory

import "hash/maphash"

// ids finds entries by the ids of their messages. A map would do, but it takes 30 to 40
// bytes more for each, and makes a dispatch a fifth slower; and this has no pointers
// for the garbage collector to follow. It is in many parts, so that none takes long to
// grow. Engine.mu guards it.
type ids struct {
	slab  *slab
	seed  maphash.Seed
	count int
	parts [256]idPart // by the upper bits of the hash
}

// An idPart is a hash table with linear probing. A slot has the hash and the ref of an
// entry, or is zero if it is free.
type idPart struct {
	slots []uint64 // their number is a power of two; at most three quarters are taken
	count int
}

func idSlot(e *entry) uint64 { return uint64(e.hash)<<32 | uint64(e.self) }

// hash is what find needs besides an id. It needs no lock.
func (t *ids) hash(id string) uint32 {
	return uint32(maphash.String(t.seed, id)) //nolint:gosec // half of it is enough
}

func (t *ids) part(hash uint32) *idPart { return &t.parts[hash>>24] }

// find returns the entry of an id, or nil.
func (t *ids) find(hash uint32, id string) *entry {
	p := t.part(hash)
	if p.count == 0 {
		return nil
	}
	mask := uint32(len(p.slots) - 1) //nolint:gosec // a power of two
	for i := hash & mask; p.slots[i] != 0; i = (i + 1) & mask {
		if uint32(p.slots[i]>>32) == hash {
			e := t.slab.at(ref(p.slots[i])) //nolint:gosec // the lower half
			if e.msg.ID == id {
				return e
			}
		}
	}
	return nil
}

// add adds an entry whose id is not in the table.
func (t *ids) add(e *entry) {
	p := t.part(e.hash)
	if 4*(p.count+1) > 3*len(p.slots) {
		p.resize(max(8, 2*len(p.slots)))
	}
	p.insert(idSlot(e))
	p.count++
	t.count++
}

func (p *idPart) resize(size int) {
	old := p.slots
	p.slots = make([]uint64, size)
	for _, slot := range old {
		if slot != 0 {
			p.insert(slot)
		}
	}
}

func (p *idPart) insert(slot uint64) {
	mask := uint32(len(p.slots) - 1) //nolint:gosec // a power of two
	i := uint32(slot>>32) & mask
	for p.slots[i] != 0 {
		i = (i + 1) & mask
	}
	p.slots[i] = slot
}

// remove removes an entry that is in the table.
func (t *ids) remove(e *entry) {
	p := t.part(e.hash)
	mask := uint32(len(p.slots) - 1) //nolint:gosec // a power of two
	i := e.hash & mask
	for p.slots[i] != idSlot(e) {
		i = (i + 1) & mask
	}
	// What follows without a gap moves up, unless it would then be before the slot that
	// its hash gives it.
	for j := (i + 1) & mask; p.slots[j] != 0; j = (j + 1) & mask {
		home := uint32(p.slots[j]>>32) & mask
		if (j-home)&mask >= (j-i)&mask {
			p.slots[i] = p.slots[j]
			i = j
		}
	}
	p.slots[i] = 0
	p.count--
	t.count--
}

// clear gives the memory of an empty table back.
func (t *ids) clear() { t.parts = [256]idPart{} }
