package broker

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watcher calls back when one of some files has changed. It watches their folders: files are replaced by renaming, and
// a watch on the file would stay with the old one.
type watcher struct {
	notify *fsnotify.Watcher
	files  map[string]bool
	stop   chan struct{}
	done   chan struct{}
}

// settled is how long files must be left alone before they are read: a set of them is replaced one by one.
const settled = 200 * time.Millisecond

// kubernetesData is the link that is exchanged when a mounted secret changes; the files themselves are not touched.
const kubernetesData = "..data"

// watch begins to watch; changed is called in a goroutine of the watcher.
func watch(files []string, log *slog.Logger, changed func()) (*watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching files: %w", err)
	}
	w := &watcher{notify: notify, files: map[string]bool{}, stop: make(chan struct{}), done: make(chan struct{})}
	for _, file := range files {
		w.add(file, log)
		if target, err := filepath.EvalSymlinks(file); err == nil {
			w.add(target, log)
		}
	}
	go w.run(log, changed)
	return w, nil
}

func (w *watcher) add(file string, log *slog.Logger) {
	if absolute, err := filepath.Abs(file); err == nil {
		file = absolute
	}
	if w.files[file] {
		return
	}
	w.files[file] = true
	if err := w.notify.Add(filepath.Dir(file)); err != nil {
		log.Warn("a folder is not watched; SIGHUP still reloads its files", "folder", filepath.Dir(file), "error", err)
	}
}

func (w *watcher) run(log *slog.Logger, changed func()) {
	defer close(w.done)
	quiet := time.NewTimer(settled)
	quiet.Stop()
	for {
		select {
		case <-w.stop:
			return
		case event, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if event.Op != fsnotify.Chmod && (w.files[event.Name] || filepath.Base(event.Name) == kubernetesData) {
				quiet.Reset(settled)
			}
		case err, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			log.Warn("watching files failed; reloading to be sure", "error", err)
			quiet.Reset(settled)
		case <-quiet.C:
			changed()
		}
	}
}

// close ends the watch; a callback that runs is waited for.
func (w *watcher) close() {
	close(w.stop)
	_ = w.notify.Close()
	<-w.done
}
