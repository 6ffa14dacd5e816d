//go:build unix

package cli

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives a file that took the place of another the other's owner and group, so that a broker which runs as a
// user of its own can still read it. Who may not do that is told what to type.
func (d *deps) keepOwner(path string, before fs.FileInfo) {
	was, ok := before.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	info, err := os.Lstat(path)
	if err != nil {
		return
	}
	is, ok := info.Sys().(*syscall.Stat_t)
	if !ok || is.Uid == was.Uid && is.Gid == was.Gid {
		return
	}
	if err := os.Lchown(path, int(was.Uid), int(was.Gid)); err != nil {
		d.warn("%s belonged to user %d and group %d and now is yours; give it back: chown %d:%d %s", path, was.Uid, was.Gid, was.Uid, was.Gid, path)
	}
}
