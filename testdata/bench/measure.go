package main

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// cost is what something took.
type cost struct {
	wall time.Duration
	cpu  time.Duration // user and system, of all its processes
	rss  int64         // bytes, the largest process
}

func (c *cost) add(o cost) {
	c.wall += o.wall
	c.cpu += o.cpu
	c.rss = max(c.rss, o.rss)
}

// per returns what one of n took that were done at once; memory stays that of all.
func (c cost) per(n int) cost {
	return cost{wall: c.wall / time.Duration(n), cpu: c.cpu / time.Duration(n), rss: c.rss}
}

// process runs a program to its end and returns what it took; it fails with what the program printed.
func process(dir string, env []string, name string, args ...string) (cost, error) {
	c, out, err := measured(dir, env, name, args...)
	if err != nil {
		return cost{}, fmt.Errorf("running %s %q: %w\n%s", name, args, err, out)
	}
	return c, nil
}

// refused is process for what has to fail.
func refused(dir, name string, args ...string) (cost, error) {
	c, out, err := measured(dir, nil, name, args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return cost{}, fmt.Errorf("running %s %q: it did not fail: %w\n%s", name, args, err, out)
	}
	return c, nil
}

// measured runs a program and returns what it took and printed, and how it ended.
func measured(dir string, env []string, name string, args ...string) (cost, []byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(start)
	if cmd.ProcessState == nil {
		return cost{}, out, err
	}
	c := cost{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.rss = usage.Maxrss * 1024 // kibibytes on Linux
	}
	return c, out, err
}

// side is one of the things compared; run does it once.
type side struct {
	name  string
	run   func() (cost, error)
	often int // runs in each round; 0: one. What is fast can afford several, and a steadier median
	all   []cost
}

// alternate runs the sides in turn for so many rounds, after one that does not count.
func alternate(rounds int, sides ...*side) error {
	for round := range rounds + 1 {
		for _, s := range sides {
			for range max(s.often, 1) {
				c, err := s.run()
				if err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				if round > 0 {
					s.all = append(s.all, c)
				}
			}
		}
	}
	return nil
}

// median of one figure of a side's runs.
func (s *side) median(figure func(cost) float64) float64 {
	values := make([]float64, len(s.all))
	for i, c := range s.all {
		values[i] = figure(c)
	}
	slices.Sort(values)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}

func wall(c cost) float64 { return c.wall.Seconds() }
func cpu(c cost) float64  { return c.cpu.Seconds() }
func rss(c cost) float64  { return float64(c.rss) / (1 << 20) }

func (s *side) print() {
	fmt.Printf("  %-46s wall %9.1f ms   cpu %9.1f ms   rss %6.1f MiB\n", s.name, 1000*s.median(wall), 1000*s.median(cpu), s.median(rss))
}

// ratio prints how many times longer slow took than fast, and the goal, at least so many; 0: none.
func ratio(label string, slow, fast, goal float64) {
	verdict := ""
	if goal > 0 {
		verdict = judge(fmt.Sprintf("at least %.4g", goal), fast > 0 && slow/fast >= goal)
	}
	fmt.Printf("    %-44s %8.1f%s\n", label, slow/fast, verdict)
}

// atMost prints the same where it is to be small.
func atMost(label string, took, base, goal float64) {
	fmt.Printf("    %-44s %8.2f%s\n", label, took/base, judge(fmt.Sprintf("at most %.4g", goal), took/base <= goal))
}

// atLeast prints what part of took the base is, which is to be large.
func atLeast(label string, base, took, goal float64) {
	fmt.Printf("    %-44s %8.2f%s\n", label, base/took, judge(fmt.Sprintf("at least %.4g", goal), base/took >= goal))
}

func judge(goal string, met bool) string {
	if met {
		return "   goal " + goal + ": met"
	}
	return "   goal " + goal + ": MISSED"
}

// within measures f, which runs in this process.
func within(f func() error) (cost, error) {
	used := ownCPU()
	start := time.Now()
	err := f()
	return cost{wall: time.Since(start), cpu: ownCPU() - used}, err
}

// ownCPU is what this process has used up to now.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails for no process of one's own
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// derivations is how often keys are derived from passwords, so that it can be stated apart from everything else.
type derivations struct {
	what   string
	pbkdf2 []int // rounds of each PBKDF2-HMAC-SHA256 with 32 bytes of output
	pkcs12 []int // rounds of each derivation of RFC 7292 appendix B with SHA-256
}

// side measures them one after the other on one core.
func (d derivations) side() *side {
	text := fmt.Sprintf("%s: %d rounds of PBKDF2", d.what, sum(d.pbkdf2))
	if len(d.pkcs12) > 0 {
		text = fmt.Sprintf("%s: %d and %d rounds", d.what, sum(d.pbkdf2), sum(d.pkcs12))
	}
	return &side{name: text, run: func() (cost, error) {
		return within(func() error {
			for _, rounds := range d.pbkdf2 {
				if _, err := pbkdf2.Key(sha256.New, "password", []byte("saltsaltsaltsalt"), rounds, 32); err != nil {
					return err
				}
			}
			for _, rounds := range d.pkcs12 {
				digest := sha256.Sum256([]byte("password"))
				for range rounds - 1 {
					digest = sha256.Sum256(digest[:])
				}
			}
			return nil
		})
	}}
}

func sum(list []int) (total int) {
	for _, n := range list {
		total += n
	}
	return total
}
