package child

import (
	"os"
	"os/exec"
	"os/user"
	"strings"
	"testing"
)

// TestDisassembly reads the machine code of the child's functions, for both
// architectures: they may call the stub and nothing else, since the clone has
// no Go runtime.
func TestDisassembly(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			bin := t.TempDir() + "/rt"
			// As make build does, so that the build cache has the most of it.
			goTool(t, arch, "build", "-trimpath", "-buildvcs=false", "-tags", "urfave_cli_no_docs", "-o", bin, "rt")
			code := goTool(t, arch, "tool", "objdump", "-s", `^rt/libct/child\.(spawn|walk|(call|fork)(\.abi0)?)$`, bin)
			checkCalls(t, code, map[string][]string{
				"spawn": {"call", "walk"}, "walk": {"call", "fork"}, "call": nil, "fork": nil,
			})
		})
	}
}

// checkCalls compares what functions call with what they may.
func checkCalls(t *testing.T, code string, may map[string][]string) {
	t.Helper()
	function, calls := "", map[string]map[string]bool{}
	for line := range strings.Lines(code) {
		if name, ok := strings.CutPrefix(line, "TEXT rt/libct/child."); ok {
			function, _, _ = strings.Cut(strings.Replace(name, ".abi0", "", 1), "(")
			calls[function] = map[string]bool{}
			continue
		}
		f := strings.Fields(line)
		if len(f) < 5 || f[3] != "CALL" {
			continue
		}
		callee, _, _ := strings.Cut(strings.TrimPrefix(strings.Replace(f[4], ".abi0", "", 1), "rt/libct/child."), "(")
		calls[function][callee] = true
		allowed := false
		for _, m := range may[function] {
			allowed = allowed || callee == m
		}
		if !allowed {
			t.Errorf("%s calls %s", function, f[4])
		}
	}
	for function, callees := range may {
		if calls[function] == nil {
			t.Errorf("no function %s in\n%s", function, code)
		}
		for _, c := range callees {
			if !calls[function][c] {
				t.Errorf("%s does not call %s: is this the right code?", function, c)
			}
		}
	}
}

func goTool(t *testing.T, arch string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	if me, err := user.Current(); err == nil && os.Getenv("HOME") == "" {
		cmd.Env = append(cmd.Env, "HOME="+me.HomeDir) // of the build cache
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
