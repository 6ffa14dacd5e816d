package safefile

import (
	"errors"
	"sync"
)

// Group commits what several goroutines bring at the same time in one step, since waiting for the disk once costs hardly
// less than for a hundred files. The zero value refuses to overwrite anything.
type Group struct {
	Options Options // of every commit; no Journal

	mu      sync.Mutex
	waiting []*member // for the commit that is going on to end; who leads the next one is first
	working bool      // somebody is committing
}

// maxGroup bounds the callers whose files are written in one step.
const maxGroup = 64

// member is one caller's commit.
type member struct {
	files  []File
	result Result
	err    error
	turn   chan bool // when somebody has committed the files: false; when it is to commit for others as well: true
}

// Commit is [Commit]: it returns when the files are on the disk, all or none of them. What others bring at the same time
// has no influence on it.
func (g *Group) Commit(files []File) (Result, error) {
	m := &member{files: files, turn: make(chan bool, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	leads := !g.working
	g.working = true
	g.mu.Unlock()
	if leads || <-m.turn {
		g.lead()
	}
	return m.result, m.err
}

// lead commits what is waiting, its own files among that, and hands on to one of those that came meanwhile: nobody serves
// others for longer than it would have waited for them.
func (g *Group) lead() {
	g.mu.Lock()
	n := min(len(g.waiting), maxGroup)
	members := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	g.mu.Unlock()
	g.commit(members)
	g.mu.Lock()
	g.working = len(g.waiting) > 0
	if g.working {
		g.waiting[0].turn <- true
	}
	g.mu.Unlock()
	for _, m := range members[1:] {
		m.turn <- false
	}
}

// commit commits the members together or, when one of them spoils that, each by itself. What then could not be undone of
// what was done together, each of them is told.
func (g *Group) commit(members []*member) {
	var files []File
	for _, m := range members {
		files = append(files, m.files...)
	}
	result, err, left := commitAll(files, g.Options)
	if len(members) == 1 {
		members[0].result, members[0].err = result, errors.Join(err, left)
		return
	}
	if err != nil && len(result.Written) == 0 {
		for _, m := range members {
			m.result, m.err = Commit(m.files, g.Options)
			m.err = errors.Join(m.err, left)
		}
		return
	}
	backups := map[string]Backup{}
	for _, b := range result.Backups {
		backups[b.Of] = b
	}
	for _, m := range members {
		m.result.Written, result.Written = result.Written[:len(m.files):len(m.files)], result.Written[len(m.files):]
		for _, path := range m.result.Written {
			if b, kept := backups[path]; kept {
				m.result.Backups = append(m.result.Backups, b)
			}
		}
		m.err = err // something could not be cleared up; the files are there
	}
}
