package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// cacheDirs are the folders that .ci/run fetches libraries into, the one it was told first.
func cacheDirs() []string {
	dirs := []string{os.Getenv("MQTTPKI_CI_CACHE")}
	if home, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, "mqttpki-ci"))
	}
	return dirs
}

// PahoJar returns the path of Eclipse Paho's Java client: what MQTTPKI_PAHO_JAR names, else where .ci/run or Maven put
// it. It skips or fails the test when there is none.
func PahoJar(t testing.TB) string {
	t.Helper()
	const jar = "org.eclipse.paho.client.mqttv3-*.jar"
	places := []string{os.Getenv("MQTTPKI_PAHO_JAR")}
	for _, dir := range cacheDirs() {
		places = append(places, filepath.Join(dir, "java", jar))
	}
	if home, err := os.UserHomeDir(); err == nil {
		places = append(places, filepath.Join(home, ".m2/repository/org/eclipse/paho/org.eclipse.paho.client.mqttv3/*", jar))
	}
	for _, place := range places {
		if found, _ := filepath.Glob(place); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	Missing(t, "the Paho Java client ("+jar+", named by MQTTPKI_PAHO_JAR)")
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
