package password

import "container/list"

// fairQueue is where callers wait for a gate, so many and no more. Known clients and strangers are two classes. The classes
// are served in turn, in a class its clients, and a client's callers in the order in which they came: fair queueing (J. Nagle,
// RFC 970). If there is no room, the client with most callers in the class with more loses the newest of them, unless that
// is the newcomer: buffer stealing (P. McKenney, "Stochastic Fairness Queueing", 1990; here clients are kept apart exactly,
// since there are never more of them than callers). So whoever floods delays others by no more than a turn. Each operation
// takes the same time however many wait.
type fairQueue struct {
	room    int
	classes [2]class // strangers, the known
	served  int      // the class whose turn was last
}

// caller is one who waits.
type caller struct {
	client Client
	called chan struct{} // closed when the caller's turn comes, or when they are sent away
	away   bool          // they were sent away; not read before called is closed
	place  *list.Element // in the flow; nil: they wait no longer
}

// class is some of the clients.
type class struct {
	waiting  int
	flows    map[string]*flow // by the client's key
	turns    list.List        // flows; the first is served next
	byLength []*list.List     // flows by how many wait in them, less one; the last of these lists is not empty
}

// flow is the callers of one client.
type flow struct {
	callers      list.List // longest first
	turn, length *list.Element
}

func (q *fairQueue) len() int { return q.classes[0].waiting + q.classes[1].waiting }

func (q *fairQueue) classOf(c *caller) (its, other *class) {
	if c.client.Known {
		return &q.classes[1], &q.classes[0]
	}
	return &q.classes[0], &q.classes[1]
}

// add has c wait. It returns who has to leave for want of room: nobody, somebody else, or c itself.
func (q *fairQueue) add(c *caller) (leaves *caller) {
	its, other := q.classOf(c)
	if q.len() >= q.room {
		from, length := other, 0 // a flow loses a caller only if it is longer than this
		if other.waiting <= its.waiting+1 {
			from, length = its, 1+its.waitingFor(c.client)
		}
		if len(from.byLength) <= length {
			return c
		}
		leaves = from.newestOfLongest()
		from.remove(leaves)
	}
	its.add(c)
	return leaves
}

// remove has c wait no longer. It reports whether it did.
func (q *fairQueue) remove(c *caller) bool {
	if c.place == nil {
		return false
	}
	its, _ := q.classOf(c)
	its.remove(c)
	return true
}

// next removes and returns whose turn it is, nil if nobody waits.
func (q *fairQueue) next() *caller {
	for range q.classes {
		q.served = 1 - q.served
		if c := q.classes[q.served].next(); c != nil {
			return c
		}
	}
	return nil
}

func (k *class) waitingFor(c Client) int {
	if f := k.flows[c.Key]; f != nil {
		return f.callers.Len()
	}
	return 0
}

func (k *class) add(c *caller) {
	f := k.flows[c.client.Key]
	if f == nil {
		f = new(flow)
		f.turn = k.turns.PushBack(f)
		if k.flows == nil {
			k.flows = make(map[string]*flow)
		}
		k.flows[c.client.Key] = f
	}
	k.unfile(f)
	c.place = f.callers.PushBack(c)
	k.waiting++
	k.file(f)
}

func (k *class) remove(c *caller) {
	f := k.flows[c.client.Key]
	k.unfile(f)
	f.callers.Remove(c.place)
	c.place = nil
	k.waiting--
	k.file(f)
	if f.callers.Len() == 0 {
		k.turns.Remove(f.turn)
		delete(k.flows, c.client.Key)
	}
}

// next removes and returns the first caller of the flow whose turn it is, nil if nobody waits.
func (k *class) next() *caller {
	turn := k.turns.Front()
	if turn == nil {
		return nil
	}
	k.turns.MoveToBack(turn)
	c := turn.Value.(*flow).callers.Front().Value.(*caller)
	k.remove(c)
	return c
}

// newestOfLongest returns the newest caller of a flow than which none is longer, of several the one that became so last.
// Somebody must wait.
func (k *class) newestOfLongest() *caller {
	longest := k.byLength[len(k.byLength)-1].Back()
	return longest.Value.(*flow).callers.Back().Value.(*caller)
}

// file puts the flow among those of its length, which is one more or less than before.
func (k *class) file(f *flow) {
	if n := f.callers.Len(); n > 0 {
		if n > len(k.byLength) {
			k.byLength = append(k.byLength, list.New())
		}
		f.length = k.byLength[n-1].PushBack(f)
	}
	for n := len(k.byLength); n > 0 && k.byLength[n-1].Len() == 0; n-- {
		k.byLength = k.byLength[:n-1]
	}
}

// unfile takes the flow out of those of its length.
func (k *class) unfile(f *flow) {
	if f.length != nil {
		k.byLength[f.callers.Len()-1].Remove(f.length)
		f.length = nil
	}
}
