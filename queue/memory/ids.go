package memory

import "hash/maphash"

// ids finds entries by the ids of their messages. A map would do, but of a million strings it takes up to three times the
// memory, a third of the time of a dispatch, and much of the garbage collector's, which need not look at this at all.
//
// It is in many parts, so that none takes long to grow.
type ids struct {
	slab  *slab
	seed  maphash.Seed
	count int
	parts [256]idPart // by the upper bits of the hash
}

// An idPart is a hash table with linear probing. A slot has the hash and the ref of an entry; zero is a free one.
type idPart struct {
	slots []uint64 // a power of two, at most three quarters taken
	count int
}

func slotOf(e *entry) uint64 { return uint64(e.hash)<<32 | uint64(e.self) }

// hash is what find wants of an id. It needs no lock.
func (t *ids) hash(id string) uint32 {
	return uint32(maphash.String(t.seed, id)) //nolint:gosec // half of it will do
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
			if e := t.slab.at(ref(p.slots[i])); e.msg.ID == id { //nolint:gosec // the lower half
				return e
			}
		}
	}
	return nil
}

// add adds an entry whose id is not there.
func (t *ids) add(e *entry) {
	p := t.part(e.hash)
	if 4*(p.count+1) > 3*len(p.slots) {
		p.resize(max(8, 2*len(p.slots)))
	}
	p.insert(slotOf(e))
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

// remove removes an entry that is there.
func (t *ids) remove(e *entry) {
	p := t.part(e.hash)
	mask := uint32(len(p.slots) - 1) //nolint:gosec // a power of two
	i := e.hash & mask
	for p.slots[i] != slotOf(e) {
		i = (i + 1) & mask
	}
	// What follows without a gap moves up, unless it would then stand before the place that its hash gives it.
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
