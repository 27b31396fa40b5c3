package queue

// Endpoints returns how many endpoints q remembers.
func Endpoints(q *Queue) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.endpoints)
}
