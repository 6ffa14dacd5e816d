package main

import (
	"crypto/pbkdf2"
	"crypto/sha256"
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

// process runs a program to its end and returns what it took; it fails with what the program printed.
func process(dir string, env []string, name string, args ...string) (cost, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(start)
	if err != nil {
		return cost{}, fmt.Errorf("running %s %q: %w\n%s", name, args, err, out)
	}
	c := cost{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.rss = usage.Maxrss * 1024 // kibibytes on Linux
	}
	return c, nil
}

// side is one of the things compared; run does it once.
type side struct {
	name string
	run  func() (cost, error)
	all  []cost
}

// alternate runs every side rounds times, in turn, after one run of each that does not count.
func alternate(rounds int, sides ...*side) error {
	for round := range rounds + 1 {
		for _, s := range sides {
			c, err := s.run()
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if round > 0 {
				s.all = append(s.all, c)
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

// ratio prints how many times longer slow took than fast, and the goal.
func ratio(label string, slow, fast, goal float64) {
	verdict := ""
	if goal > 0 {
		verdict = fmt.Sprintf("   goal at least %.4g: met", goal)
		if slow/fast < goal {
			verdict = fmt.Sprintf("   goal at least %.4g: MISSED", goal)
		}
	}
	fmt.Printf("  %-46s %8.1f times%s\n", label, slow/fast, verdict)
}

// derivation measures PBKDF2-HMAC-SHA256 with one core, in seconds of wall time for the given iterations and a 32-byte
// key, so that it can be stated apart from everything else.
func derivation(iterations int) side {
	return side{name: fmt.Sprintf("PBKDF2-HMAC-SHA256, %d iterations", iterations), run: func() (cost, error) {
		start := time.Now()
		if _, err := pbkdf2.Key(sha256.New, "password", []byte("saltsaltsaltsalt"), iterations, 32); err != nil {
			return cost{}, err
		}
		took := time.Since(start)
		return cost{wall: took, cpu: took}, nil
	}}
}
