package queue

// Delivered is that of Stats.
func (q *Queue) Delivered() uint64 { return q.delivered.Load() }

// Remembered returns how many endpoints q remembers.
func Remembered(q *Queue) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.endpoints)
}
