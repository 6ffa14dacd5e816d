package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cacheDirs are the folders that .ci/run fetches libraries into, the one it was told first.
func cacheDirs() []string {
	var dirs []string
	if told := os.Getenv("MQTTPKI_CI_CACHE"); told != "" {
		dirs = append(dirs, told)
	}
	if home, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, "mqttpki-ci"))
	}
	return dirs
}

// PahoJar returns the path of Eclipse Paho's Java client: what MQTTPKI_PAHO_JAR names, else as [Jar] finds it.
func PahoJar(t testing.TB) string {
	t.Helper()
	if given := os.Getenv("MQTTPKI_PAHO_JAR"); given != "" {
		return given
	}
	return Jar(t, "org.eclipse.paho", "org.eclipse.paho.client.mqttv3")
}

// Jar returns the path of a jar of Maven Central, by group and artifact, where .ci/run or Maven put it; of several
// versions the last by name. It skips or fails the test when there is none.
func Jar(t testing.TB, group, artifact string) string {
	t.Helper()
	notShort(t)
	jar := artifact + "-[0-9]*.jar"
	var places []string
	for _, dir := range cacheDirs() {
		places = append(places, filepath.Join(dir, "java", jar))
	}
	if home, err := os.UserHomeDir(); err == nil {
		folders := strings.ReplaceAll(group, ".", "/")
		places = append(places, filepath.Join(home, ".m2/repository", folders, artifact, "*", jar))
	}
	for _, place := range places {
		if found, _ := filepath.Glob(place); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	Missing(t, "the jar "+group+":"+artifact)
	return ""
}

// Wheel returns the folder, to be PYTHONPATH, of a package of PyPI that .ci/run fetched at the given version. It skips
// or fails the test when it is not there.
func Wheel(t testing.TB, name, version string) string {
	t.Helper()
	notShort(t)
	for _, dir := range cacheDirs() {
		place := filepath.Join(dir, "python", name+"-"+version)
		if _, err := os.Stat(place); err == nil {
			return place
		}
	}
	Missing(t, "the Python package "+name+" "+version)
	return ""
}

// NodeModule returns a folder to be NODE_PATH for programs that require the npm module: one of NODE_PATH, else where
// .ci/run put it. It skips or fails the test when the module, or node itself, is missing.
func NodeModule(t testing.TB, module string) string {
	t.Helper()
	Need(t, "node")
	places := filepath.SplitList(os.Getenv("NODE_PATH"))
	for _, dir := range cacheDirs() {
		places = append(places, filepath.Join(dir, "npm", "node_modules"))
	}
	for _, place := range places {
		if _, err := os.Stat(filepath.Join(place, module, "package.json")); err == nil && place != "" {
			return place
		}
	}
	Missing(t, "the npm module "+module)
	return ""
}

// Python returns a Python 3 that can import all the modules: the one on PATH or the system's, since a machine's
// packages belong to the latter. It skips or fails the test when neither can.
func Python(t testing.TB, modules ...string) string {
	t.Helper()
	notShort(t)
	code := ""
	for _, m := range modules {
		code += "import " + m + "\n"
	}
	for _, python := range []string{os.Getenv("MQTTPKI_PYTHON"), "/usr/bin/python3", "python3"} {
		if python != "" && exec.CommandContext(t.Context(), python, "-c", code).Run() == nil {
			return python
		}
	}
	Missing(t, "a Python 3 that can:\n"+code)
	return ""
}
