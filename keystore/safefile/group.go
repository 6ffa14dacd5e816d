package safefile

import "sync"

// Group commits what several goroutines bring at the same time in one step, since waiting for the disk once costs hardly
// less than for a hundred files. The zero value refuses to overwrite anything.
type Group struct {
	Options Options // of every commit; no Journal

	mu      sync.Mutex
	waiting []*member // for the commit that is going on to end
	working bool      // somebody is committing
}

// maxGroup bounds the files of one step, all of which are in memory.
const maxGroup = 64

// member is one caller's commit.
type member struct {
	files  []File
	result Result
	err    error
	done   chan struct{}
}

// Commit is [Commit]: it returns when the files are on the disk, all or none of them. What others bring at the same time
// has no influence on it.
func (g *Group) Commit(files []File) (Result, error) {
	m := &member{files: files, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	leads := !g.working
	g.working = true
	g.mu.Unlock()
	if leads {
		g.lead()
	}
	<-m.done
	return m.result, m.err
}

// lead commits what is waiting until nothing is.
func (g *Group) lead() {
	for {
		g.mu.Lock()
		n := min(len(g.waiting), maxGroup)
		members := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		g.working = n > 0
		g.mu.Unlock()
		if n == 0 {
			return
		}
		g.commit(members)
		for _, m := range members {
			close(m.done)
		}
	}
}

// commit commits the members together or, when one of them spoils that, each by itself.
func (g *Group) commit(members []*member) {
	var files []File
	for _, m := range members {
		files = append(files, m.files...)
	}
	result, err := Commit(files, g.Options)
	if len(members) == 1 {
		members[0].result, members[0].err = result, err
		return
	}
	if err != nil && len(result.Written) == 0 {
		for _, m := range members {
			m.result, m.err = Commit(m.files, g.Options)
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
