package cli

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/mqttpki/mqttpki/keystore"
)

// conversions is the JSON document of a command that converted many files.
type conversions struct {
	Schema      string        `json:"schema"`
	Source      string        `json:"source"` // --in-dir, "" without
	Target      string        `json:"target"` // --out-dir
	Converted   int           `json:"converted"`
	Failed      int           `json:"failed"`
	Left        int           `json:"left"`     // not begun, when it was interrupted
	Existing    []string      `json:"existing"` // results that were there and left alone
	Skipped     []string      `json:"skipped"`  // files of --in-dir that are not of the format
	DryRun      bool          `json:"dry_run"`
	Conversions []*conversion `json:"conversions"`
}

// How many files are in work at the same time: one on each core computes while the others wait for the disk, and what is
// waiting is flushed together. Large files are fewer at a time, since each takes many times its size in memory.
const (
	workersPerCore = 16
	bytesAtOnce    = 32 << 20 // of all inputs in work; a larger one is alone
)

// runMany converts every input by itself, on every core, and carries on past those that fail. The exit code is that of
// the worst failure.
func (o *convertOptions) runMany(ctx context.Context) error {
	if err := o.checkFolders(); err != nil {
		return err
	}
	if o.OutPass.given() && o.OutPass.kind != sourceRandom { // before the workers, which ask nobody
		if _, err := o.resolveOut(convertJob{}); err != nil {
			return err
		}
	}
	if _, _, err := o.resolveKeys(); err != nil {
		return err
	}
	m := &manyRun{o: o, waiting: map[int]manyResult{}, doc: &conversions{
		Schema: "mqttpki.convert/1", Source: o.form.InDir, Target: o.form.OutDir, DryRun: o.DryRun,
		Existing: []string{}, Skipped: []string{}, Conversions: []*conversion{},
	}}
	files, err := o.manyFiles(m.doc)
	if err != nil {
		return err
	}
	m.run(ctx, files)
	return m.finish(len(files))
}

// manyRun is one run over many files. Their reports are told in the order of the files, each as soon as those before it
// are, so that none but those of --json are kept.
type manyRun struct {
	o   *convertOptions
	bar *progress

	mu      sync.Mutex
	waiting map[int]manyResult // done, but not told yet
	next    int                // the first that is not told
	doc     *conversions
	worst   error
	plain   int    // results with a private key that is not encrypted
	hint    string // the last that was printed
}

// manyResult is what became of one file.
type manyResult struct {
	report *conversion
	err    error
}

// run converts the files. When ctx ends, those that were begun are finished.
func (m *manyRun) run(ctx context.Context, files []manyFile) {
	m.bar = m.o.startProgress("converting", len(files))
	defer m.bar.stop()
	m.share()
	// A thread that waits for the disk keeps its place among those that run until the runtime takes it away, up to 10 ms
	// later, while files that are ready to be computed wait. With twice the places there is always one that computes.
	cores := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(2 * cores)
	defer runtime.GOMAXPROCS(cores)
	next := make(chan int)
	room := semaphore.NewWeighted(bytesAtOnce)
	var workers sync.WaitGroup
	for range min(workersPerCore*cores, len(files)) {
		workers.Go(func() {
			for i := range next {
				size := min(fileSize(files[i].path), bytesAtOnce)
				_ = room.Acquire(context.WithoutCancel(ctx), size) // fails only when the context ends
				r, err := m.o.convertFile(files[i])
				room.Release(size)
				m.done(i, manyResult{r, err})
			}
		})
	}
	for i := range files {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	workers.Wait()
}

// share makes what the workers use safe for all of them at the same time.
func (m *manyRun) share() {
	alone, shared := m.o.deps, m.o.forMany(m.bar)
	m.o.deps, m.o.opener.deps = shared, shared
	m.o.opener.Ask = func(what string) (secret keystore.Secret, err error) {
		m.bar.aside(func() { secret, err = alone.askOnce(what) }) // what others have to say waits for the answer
		return secret, err
	}
}

// fileSize is the size of a file in bytes, 0 when it cannot be told.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// convertFile converts one of many. The report is there in any case.
func (o *convertOptions) convertFile(f manyFile) (*conversion, error) {
	none := emptyConversion(f.path, f.output, o.form.Target.Name())
	if f.err != nil {
		return none, f.err
	}
	s, err := o.opener.open(f.path)
	if err != nil {
		return none, err
	}
	r, err := o.convertOne(o.job([]*openedStore{s}, f.output))
	if r == nil {
		r = none
	}
	return r, o.convertFailure(err, f.path)
}

// done takes the result of a file, and tells it when its turn has come.
func (m *manyRun) done(i int, result manyResult) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bar.add(1)
	m.waiting[i] = result
	for {
		result, ok := m.waiting[m.next]
		if !ok {
			return
		}
		delete(m.waiting, m.next)
		m.next++
		m.tell(result)
	}
}

// tell counts one result and prints it, or keeps it for the document.
func (m *manyRun) tell(result manyResult) {
	r := result.report
	r.DryRun = m.o.DryRun
	if result.err == nil {
		m.doc.Converted++
		if r.PlainKey {
			m.plain++
		}
	} else {
		m.doc.Failed++
		r.Error = newFileError(result.err)
		if m.worst == nil || r.Error.ExitCode > outcomeOf(m.worst).code {
			m.worst = result.err
		}
	}
	if m.o.json {
		m.doc.Conversions = append(m.doc.Conversions, r)
		return
	}
	m.o.printOneOfMany(r)
	if r.Error != nil && r.Error.Hint != "" && r.Error.Hint != m.hint { // once for all in a row that fail alike
		m.hint = r.Error.Hint
		m.o.say("hint: %s", m.hint)
	}
}

// printOneOfMany prints a line a file made, and what is worth knowing of it.
func (o *convertOptions) printOneOfMany(r *conversion) {
	if r.Error != nil {
		o.say("mqttpki: %s", r.Error.Message)
		return
	}
	if o.verbose || o.DryRun {
		o.printPlan(o.out, r)
	} else {
		for _, e := range r.Renamed {
			o.notice("note: %s: %s is now %s (%s)", r.Source, e.From, e.To, e.Why)
		}
		for _, e := range r.Repaired {
			o.notice("note: %s: re-paired %s with %s", r.Source, e.Entry, e.what())
		}
		for _, e := range r.Lost {
			o.notice("note: %s: lost %s: %s", r.Source, e.Entry, e.Why)
		}
	}
	o.printWritten(o.out, r)
}

// finish reports on all files together, and returns an error of the worst kind there was.
func (m *manyRun) finish(total int) error {
	o, doc := m.o, m.doc
	doc.Left = total - doc.Converted - doc.Failed
	if o.json {
		if err := o.printJSON(doc); err != nil {
			return err
		}
	} else {
		m.printTotals(total)
	}
	if doc.Left > 0 {
		return withHint(errInterrupted, "the same command with --skip-existing converts the %s that are left", counted(doc.Left, "file"))
	}
	if m.worst == nil {
		return nil
	}
	failed := fmt.Errorf("%d of %d files were not converted; the worst: %w", doc.Failed, total, m.worst)
	if o.json {
		return failed
	}
	return hinted{failed, "each line that begins with mqttpki: says why; the other files are done"} // the worst one's hint is there too
}

// printTotals prints the counts.
func (m *manyRun) printTotals(total int) {
	doc := m.doc
	switch {
	case total == 0 && len(doc.Existing) == 0:
		m.o.notice("note: there was nothing to convert")
	case doc.Left > 0:
		m.o.notice("note: %d of %d files done, each of them whole", doc.Converted, total)
	case !doc.DryRun:
		m.o.notice("note: %s converted", counted(doc.Converted, "file"))
	}
	if m.plain > 0 {
		m.o.notice("note: in %s the private key is not encrypted; only the file's permissions protect it", counted(m.plain, "file"))
	}
	if n := len(doc.Existing); n > 0 {
		m.o.notice("note: %s left alone, whose result is there", counted(n, "file"))
	}
	if n := len(doc.Skipped); n > 0 {
		m.o.notice("note: %s of another format left alone", counted(n, "file"))
	}
}
