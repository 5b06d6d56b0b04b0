package spec

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// base is a valid configuration. A test's text is put behind it: Decode merges
// what is there twice.
const base = `{"ociVersion":"1.2.0","process":{"args":["sh"],"cwd":"/"},"root":{"path":"rootfs"},
"linux":{"namespaces":[{"type":"pid"},{"type":"network"},{"type":"mount"},{"type":"ipc"},{"type":"uts"},{"type":"cgroup"}]}`

// with is base, changed by the members in text.
func with(t testing.TB, text string) *specs.Spec {
	t.Helper()
	s, err := Decode([]byte(base + "," + text + "}"))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// row is one change and the error it must give; none if empty.
type row struct{ text, want string }

// in puts every row's text between head and tail.
func in(head, tail string, rows ...row) []row {
	for i := range rows {
		rows[i].text = head + rows[i].text + tail
	}
	return rows
}

func checkRows(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		err := Validate(with(t, r.text))
		have := ""
		if err != nil {
			have = err.Error()
		}
		if have != r.want {
			t.Errorf("%s:\n have %s\n want %s", r.text, have, r.want)
		}
	}
}

func TestValidateVersionAndRoot(t *testing.T) {
	checkRows(t, in(`"ociVersion":"`, `"`,
		row{"1.0.0", ""}, row{"1.0.2-dev", ""}, row{"1.0.0-rc5.x-1", ""}, row{"1.1.0+dev", ""}, row{"1.9.0", ""},
		row{"", "ociVersion: must not be empty"},
		row{"1", `ociVersion: want a semantic version, have "1"`},
		row{"1.0", `ociVersion: want a semantic version, have "1.0"`},
		row{"1.0.0.0", `ociVersion: want a semantic version, have "1.0.0.0"`},
		row{"v1.0.0", `ociVersion: want a semantic version, have "v1.0.0"`},
		row{"1.01.0", `ociVersion: want a semantic version, have "1.01.0"`},
		row{"1.0.0-", `ociVersion: want a semantic version, have "1.0.0-"`},
		row{"1.0.0-a..b", `ociVersion: want a semantic version, have "1.0.0-a..b"`},
		row{"1.0.0+a_b", `ociVersion: want a semantic version, have "1.0.0+a_b"`},
		row{"0.9.0", `ociVersion: "0.9.0" is not supported, want 1.x`},
		row{"2.0.0", `ociVersion: "2.0.0" is not supported, want 1.x`},
	))
	checkRows(t, []row{
		{`"root":null`, "root: must not be empty"},
		{`"root":{"path":""}`, "root.path: must not be empty"},
		{`"root":{"path":"a\u0000b"}`, "root.path: must not contain a NUL byte"},
		{`"root":{"path":"/abs","readonly":true}`, ""},
		{`"linux":null`, ""},
		{`"annotations":{"":"x","org.systemd.property.X":"1","org.criu.config":"/x"}`, ""},
	})
}

func TestValidateProcess(t *testing.T) {
	checkRows(t, []row{{`"process":null`, "process: must not be empty"}})
	checkRows(t, in(`"process":{`, `}`,
		row{`"args":null`, "process.args: must not be empty"},
		row{`"args":[]`, "process.args: must not be empty"},
		row{`"args":["","a"]`, "process.args[0]: must not be empty"},
		row{`"args":["sh","a\u0000"]`, "process.args[1]: must not contain a NUL byte"},
		row{`"args":["sh","","ü\n"]`, ""},
		row{`"cwd":""`, "process.cwd: must not be empty"},
		row{`"cwd":"tmp"`, `process.cwd: must be absolute, have "tmp"`},
		row{`"cwd":"/\u0000"`, "process.cwd: must not contain a NUL byte"},
		row{`"env":["A=b","C=","D=e=f","é=1"]`, ""},
		row{`"env":["A=b","C"]`, `process.env[1]: want NAME=VALUE, have "C"`},
		row{`"env":["\n"]`, `process.env[0]: want NAME=VALUE, have "\n"`},
		row{`"env":["=b"]`, "process.env[0]: the name must not be empty"},
		row{`"env":["A=\u0000"]`, "process.env[0]: must not contain a NUL byte"},
		row{`"env":["A=1","A=2"]`, ""},
		row{`"terminal":true,"consoleSize":{"height":25,"width":80}`, ""},
		row{`"terminal":true,"consoleSize":{"height":65536,"width":80}`, "process.consoleSize: must be at most 65535 each way"},
		row{`"consoleSize":{"height":65536,"width":80}`, ""},
		row{`"oomScoreAdj":-1000`, ""}, row{`"oomScoreAdj":1000`, ""},
		row{`"oomScoreAdj":1001`, "process.oomScoreAdj: must be from -1000 to 1000, have 1001"},
		row{`"oomScoreAdj":-1001`, "process.oomScoreAdj: must be from -1000 to 1000, have -1001"},
		row{`"user":{"uid":4294967294,"gid":4294967294,"umask":18}`, ""},
		row{`"user":{"uid":4294967295}`, "process.user.uid: 4294967295 is not an id"},
		row{`"user":{"gid":4294967295}`, "process.user.gid: 4294967295 is not an id"},
		row{`"user":{"additionalGids":[1,4294967295]}`, "process.user.additionalGids[1]: 4294967295 is not an id"},
		row{`"user":{"additionalGids":[0` + strings.Repeat(",0", maxGroups) + `]}`, "process.user.additionalGids: more than 65536 groups"},
		row{`"capabilities":{"bounding":["CAP_FOO","cap_chown",""],"ambient":["CAP_KILL"]}`, ""},
		row{`"capabilities":{"effective":["CAP_KILL"],"permitted":["CAP_KILL","CAP_CHOWN"]}`, ""},
		row{`"capabilities":{"effective":["CAP_FOO","CAP_KILL"],"permitted":["CAP_CHOWN"]}`, "process.capabilities.effective[1]: CAP_KILL is not in permitted"},
		row{`"rlimits":[{"type":"RLIMIT_NOFILE","soft":1,"hard":1},{"type":"RLIMIT_CORE","soft":0,"hard":18446744073709551615}]`, ""},
		row{`"rlimits":[{"type":"RLIMIT_NOFILE","soft":2,"hard":1}]`, "process.rlimits[0].soft: 2 is above hard, 1"},
		row{`"rlimits":[{"type":"RLIMIT_FOO"}]`, `process.rlimits[0].type: unknown limit "RLIMIT_FOO"`},
		row{`"rlimits":[{"type":"NOFILE"}]`, `process.rlimits[0].type: unknown limit "NOFILE"`},
		row{`"rlimits":[{"type":"RLIMIT_AS"},{"type":"RLIMIT_AS"}]`, "process.rlimits[1].type: RLIMIT_AS is there twice"},
		row{`"apparmorProfile":"x","selinuxLabel":"y"`, ""},
	))
}

func TestValidateScheduling(t *testing.T) {
	checkRows(t, in(`"process":{"scheduler":{`, `}}`,
		row{`"policy":"SCHED_OTHER","nice":-20`, ""}, row{`"policy":"SCHED_BATCH","nice":19`, ""},
		row{`"policy":"SCHED_OTHER","nice":20`, "process.scheduler.nice: must be from -20 to 19, have 20"},
		row{`"policy":"SCHED_BATCH","nice":-21`, "process.scheduler.nice: must be from -20 to 19, have -21"},
		row{`"policy":"SCHED_FIFO","priority":99`, ""}, row{`"policy":"SCHED_RR","priority":1,"nice":30`, ""},
		row{`"policy":"SCHED_FIFO"`, "process.scheduler.priority: must be from 1 to 99, have 0"},
		row{`"policy":"SCHED_RR","priority":100`, "process.scheduler.priority: must be from 1 to 99, have 100"},
		row{`"policy":"SCHED_OTHER","priority":1`, "process.scheduler.priority: SCHED_OTHER has none"},
		row{`"policy":"SCHED_IDLE"`, ""}, row{`"policy":"SCHED_IDLE","priority":3`, "process.scheduler.priority: SCHED_IDLE has none"},
		row{``, "process.scheduler.policy: must not be empty"},
		row{`"policy":"SCHED_ISO"`, "process.scheduler.policy: Linux reserves SCHED_ISO and does not implement it"},
		row{`"policy":"SCHED_FOO"`, `process.scheduler.policy: unknown policy "SCHED_FOO"`},
		row{`"policy":"SCHED_DEADLINE","runtime":1024,"deadline":1024`, ""},
		row{`"policy":"SCHED_DEADLINE","runtime":2000,"deadline":3000,"period":4000`, ""},
		row{`"policy":"SCHED_DEADLINE"`, "process.scheduler.runtime: must be at least 1024, have 0"},
		row{`"policy":"SCHED_DEADLINE","runtime":2000,"deadline":1999`, "process.scheduler.deadline: 1999 is below runtime, 2000"},
		row{`"policy":"SCHED_DEADLINE","runtime":2000,"deadline":3000,"period":2999`, "process.scheduler.period: 2999 is below deadline, 3000"},
		row{`"policy":"SCHED_FIFO","priority":1,"period":1`, "process.scheduler: SCHED_FIFO has no runtime, deadline and period"},
		row{`"policy":"SCHED_OTHER","flags":["SCHED_FLAG_RESET_ON_FORK","SCHED_FLAG_UTIL_CLAMP_MAX"]`, ""},
		row{`"policy":"SCHED_OTHER","flags":["SCHED_FLAG_RECLAIM","RECLAIM"]`, `process.scheduler.flags[1]: unknown flag "RECLAIM"`},
	))
	checkRows(t, in(`"process":{`, `}`,
		row{`"ioPriority":{"class":"IOPRIO_CLASS_RT","priority":0}`, ""},
		row{`"ioPriority":{"class":"IOPRIO_CLASS_IDLE","priority":7}`, ""},
		row{`"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":8}`, "process.ioPriority.priority: must be from 0 to 7, have 8"},
		row{`"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":-1}`, "process.ioPriority.priority: must be from 0 to 7, have -1"},
		row{`"ioPriority":{"class":"IOPRIO_CLASS_NONE"}`, `process.ioPriority.class: unknown class "IOPRIO_CLASS_NONE"`},
		row{`"ioPriority":{}`, `process.ioPriority.class: unknown class ""`},
		row{`"execCPUAffinity":{"initial":"0-3,7","final":"1"}`, ""}, row{`"execCPUAffinity":{}`, ""},
		row{`"execCPUAffinity":{"initial":"0, 2-3,"}`, ""},
		row{`"execCPUAffinity":{"initial":"3-0"}`, `process.execCPUAffinity.initial: "3-0" runs backwards`},
		row{`"execCPUAffinity":{"final":"a"}`, `process.execCPUAffinity.final: want a list such as 0-3,5, have "a"`},
		row{`"execCPUAffinity":{"final":"-1"}`, `process.execCPUAffinity.final: want a list such as 0-3,5, have "-1"`},
		row{`"execCPUAffinity":{"final":"70000"}`, `process.execCPUAffinity.final: "70000" goes above 65536`},
		row{`"execCPUAffinity":{"final":","}`, `process.execCPUAffinity.final: "," names nothing`},
	))
}

func TestValidateMounts(t *testing.T) {
	checkRows(t, in(`"mounts":[{"destination":"/proc"},{`, `}]`,
		row{`"destination":"/a","type":"tmpfs","source":"tmpfs","options":["size=1m","nosuid"]`, ""},
		row{`"destination":"relative"`, ""},
		row{`"type":"tmpfs"`, "mounts[1].destination: must not be empty"},
		row{`"destination":"/a\u0000"`, "mounts[1].destination: must not contain a NUL byte"},
		row{`"destination":"/a","type":"\u0000"`, "mounts[1].type: must not contain a NUL byte"},
		row{`"destination":"/a","source":"\u0000"`, "mounts[1].source: must not contain a NUL byte"},
		row{`"destination":"/a","options":["a","\u0000"]`, "mounts[1].options[1]: must not contain a NUL byte"},
		row{`"destination":"/a","source":"/b","options":["rbind","rslave","rro","ro","nosymfollow","tmpcopyup","copy-symlink"]`, ""},
		row{`"destination":"/a","options":["bind"]`, "mounts[1].source: a bind mount needs one"},
		row{`"destination":"/a","source":"/b","options":["rbind","size=1m"]`, `mounts[1].options[1]: a bind mount cannot have the file system's option "size=1m"`},
		row{`"destination":"/a","source":"/b","options":["mode=755","bind"]`, `mounts[1].options[0]: a bind mount cannot have the file system's option "mode=755"`},
	))
	const maps = `"uidMappings":[{"containerID":0,"hostID":1000,"size":10}],"gidMappings":[{"containerID":0,"hostID":1000,"size":10}]`
	checkRows(t, in(`"mounts":[{"destination":"/a","source":"/b",`, `}]`,
		row{`"options":["bind"],` + maps, ""}, row{`"options":["bind","idmap"],` + maps, ""},
		row{`"options":["bind","ridmap=uids=0-1-1;gids=0-1-1"]`, ""},
		row{maps, "mounts[0]: id mappings are possible for bind mounts only"},
		row{`"options":["idmap"]`, "mounts[0]: id mappings are possible for bind mounts only"},
		row{`"options":["bind","idmap"]`, "mounts[0].uidMappings: idmap needs mappings, or a user namespace to take them from"},
		row{`"options":["bind"],"uidMappings":[{"size":1}]`, "mounts[0].gidMappings: must not be empty when uidMappings is there"},
		row{`"options":["bind"],"gidMappings":[{"size":1}]`, "mounts[0].uidMappings: must not be empty when gidMappings is there"},
		row{`"options":["bind"],"uidMappings":[{"size":0}],"gidMappings":[{"size":1}]`, "mounts[0].uidMappings[0].size: must not be 0"},
		row{`"options":["bind"],"uidMappings":[{"size":1}],"gidMappings":[{"size":2},{"containerID":1,"hostID":9,"size":1}]`,
			"mounts[0].gidMappings[1]: overlaps with mapping 0"},
	))
	checkRows(t, []row{{`"mounts":[{"destination":"/a","source":"/b","options":["rbind","ridmap"]}],
		"linux":{"namespaces":[{"type":"user"}],"uidMappings":[{"size":1}],"gidMappings":[{"size":1}]}`, ""}})
}

func TestValidateHooks(t *testing.T) {
	for _, name := range hooksNames {
		checkRows(t, in(`"hooks":{"`+name+`":[{"path":"/ok"},{`, `}]}`,
			row{`"path":"/bin/true","args":["true"],"env":["A=b"],"timeout":1`, ""},
			row{``, "hooks." + name + "[1].path: must not be empty"},
			row{`"path":"true"`, "hooks." + name + `[1].path: must be absolute, have "true"`},
			row{`"path":"/a\u0000"`, "hooks." + name + "[1].path: must not contain a NUL byte"},
			row{`"path":"/a","args":["\u0000"]`, "hooks." + name + "[1].args[0]: must not contain a NUL byte"},
			row{`"path":"/a","timeout":0`, "hooks." + name + "[1].timeout: must be more than 0 seconds, have 0"},
			row{`"path":"/a","timeout":-5`, "hooks." + name + "[1].timeout: must be more than 0 seconds, have -5"},
			row{`"path":"/a","env":["A"]`, "hooks." + name + `[1].env[0]: want NAME=VALUE, have "A"`},
		))
	}
}

func TestValidateNamespaces(t *testing.T) {
	checkRows(t, in(`"linux":{`, `}`,
		row{`"namespaces":null`, ""}, row{`"namespaces":[]`, ""},
		row{`"namespaces":[{"type":"pid","path":"/proc/1/ns/pid"},{"type":"network","path":"/run/n"}]`, ""},
		row{`"namespaces":[{"type":"foo"}]`, `linux.namespaces[0].type: unknown namespace "foo"`},
		row{`"namespaces":[{"type":"pid"},{"type":""}]`, `linux.namespaces[1].type: unknown namespace ""`},
		row{`"namespaces":[{"type":"net"}]`, `linux.namespaces[0].type: unknown namespace "net"`},
		row{`"namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"pid","path":"/x"}]`, "linux.namespaces[2].type: pid is there twice"},
		row{`"namespaces":[{"type":"pid","path":"x"}]`, `linux.namespaces[0].path: must be absolute, have "x"`},
		row{`"namespaces":[{"type":"pid","path":"/\u0000"}]`, "linux.namespaces[0].path: must not contain a NUL byte"},
		row{`"uidMappings":[{"size":1}]`, "linux.uidMappings: needs a user namespace"},
		row{`"gidMappings":[{"size":1}]`, "linux.gidMappings: needs a user namespace"},
		row{`"uidMappings":[],"gidMappings":[]`, ""},
		row{`"namespaces":[{"type":"user","path":"/x"}]`, ""},
		row{`"namespaces":[{"type":"user","path":"/x"}],"uidMappings":[{"size":1}],"gidMappings":[{"size":1}]`, ""},
		row{`"namespaces":[{"type":"user"}]`, "linux.uidMappings: must not be empty for a new user namespace"},
		row{`"namespaces":[{"type":"user"}],"uidMappings":[{"size":1}]`, "linux.gidMappings: must not be empty for a new user namespace"},
		row{`"timeOffsets":{"monotonic":{"secs":1}}`, "linux.timeOffsets: needs a new time namespace"},
		row{`"namespaces":[{"type":"time","path":"/x"}],"timeOffsets":{"monotonic":{"secs":1}}`, "linux.timeOffsets: needs a new time namespace"},
		row{`"namespaces":[{"type":"time"}],"timeOffsets":{"monotonic":{"secs":-5,"nanosecs":999999999},"boottime":{}}`, ""},
		row{`"namespaces":[{"type":"time"}],"timeOffsets":{"realtime":{"secs":1}}`, `linux.timeOffsets["realtime"]: unknown clock, want monotonic or boottime`},
		row{`"namespaces":[{"type":"time"}],"timeOffsets":{"boottime":{"nanosecs":1000000000}}`, `linux.timeOffsets["boottime"].nanosecs: must be from 0 to 999999999, have 1000000000`},
	))
	checkRows(t, in(`"linux":{"namespaces":[{"type":"user"}],"gidMappings":[{"containerID":0,"hostID":5,"size":10}],"uidMappings":[`, `]}`,
		row{`{"size":4294967295}`, ""}, row{`{"size":1},{"containerID":1,"hostID":100000,"size":65535}`, ""},
		row{`{"size":0}`, "linux.uidMappings[0].size: must not be 0"},
		row{`{"containerID":1,"size":5}`, "linux.uidMappings: the container's 0 is not mapped"},
		row{`{"size":1},{"containerID":1,"size":4294967295}`, "linux.uidMappings[1].containerID: runs past the last id"},
		row{`{"hostID":4294967295,"size":1}`, "linux.uidMappings[0].hostID: runs past the last id"},
		row{`{"size":10},{"containerID":9,"hostID":100,"size":10}`, "linux.uidMappings[1]: overlaps with mapping 0"},
		row{`{"size":10,"hostID":95},{"containerID":10,"hostID":100,"size":10}`, "linux.uidMappings[1]: overlaps with mapping 0"},
		row{`{"size":10,"hostID":90},{"containerID":10,"hostID":100,"size":10}`, ""},
		row{strings.Repeat(`{"size":1},`, maxMappings) + `{"size":1}`, "linux.uidMappings: more than 340 mappings"},
	))
	const user = `"linux":{"namespaces":[{"type":"user"}],"uidMappings":[{"size":10}],"gidMappings":[{"size":10}]},"process":{"user":{`
	checkRows(t, in(user, `}}`,
		row{`"uid":9,"gid":9,"additionalGids":[0,9]`, ""},
		row{`"uid":10`, "process.user.uid: 10 is not mapped in the user namespace"},
		row{`"gid":10`, "process.user.gid: 10 is not mapped in the user namespace"},
		row{`"additionalGids":[0,10]`, "process.user.additionalGids[1]: 10 is not mapped in the user namespace"},
	))
	checkRows(t, []row{
		{`"hostname":"a","domainname":"b"`, ""},
		{`"hostname":"a","linux":{"namespaces":[{"type":"pid"}]}`, "hostname: needs a private uts namespace"},
		{`"domainname":"a","linux":null`, "domainname: needs a private uts namespace"},
		{`"hostname":"a","linux":{"namespaces":[{"type":"uts","path":"/x"}]}`, ""},
		{`"hostname":"` + strings.Repeat("a", 64) + `"`, ""},
		{`"hostname":"` + strings.Repeat("a", 65) + `"`, "hostname: longer than 64 bytes"},
		{`"domainname":"a\u0000"`, "domainname: must not contain a NUL byte"},
	})
}

func TestValidateSysctl(t *testing.T) {
	checkRows(t, in(`"linux":{"sysctl":{`, `}}`,
		row{`"kernel.msgmax":"1","kernel.msgmnb":"1","kernel.msgmni":"1","kernel.sem":"1 2 3 4"`, ""},
		row{`"kernel.shmall":"1","kernel.shmmax":"1","kernel.shmmni":"1","kernel.shm_rmid_forced":"1"`, ""},
		row{`"fs.mqueue.queues_max":"1","net.ipv4.ip_forward":"1","net/ipv4/conf/eno2.100/rp_filter":"1","kernel.domainname":"x"`, ""},
		row{`"net.ipv4.conf.eno2/100.rp_filter":"1"`, ""},
		row{`"a+b":"1"`, `linux.sysctl["a+b"]: not a sysctl's name`},
		row{`"":"1"`, `linux.sysctl[""]: not a sysctl's name`},
		row{`"net":"1"`, `linux.sysctl["net"]: not a sysctl's name`},
		row{`"net/../kernel/panic":"1"`, `linux.sysctl["net/../kernel/panic"]: not a sysctl's name`},
		row{`"net.//.kernel.panic":"1"`, `linux.sysctl["net.//.kernel.panic"]: not a sysctl's name`},
		row{`"net./.x":"1"`, `linux.sysctl["net./.x"]: not a sysctl's name`},
		row{`"net..x":"1"`, `linux.sysctl["net..x"]: not a sysctl's name`},
		row{`"net.x.":"1"`, `linux.sysctl["net.x."]: not a sysctl's name`},
		row{`"/net/x":"1"`, `linux.sysctl["/net/x"]: not a sysctl's name`},
		row{`".net.x":"1"`, `linux.sysctl[".net.x"]: not a sysctl's name`},
		row{`"net.a b":"1"`, `linux.sysctl["net.a b"]: not a sysctl's name`},
		row{`"net.a\n":"1"`, `linux.sysctl["net.a\n"]: not a sysctl's name`},
		row{`"net.a\u0000":"1"`, `linux.sysctl["net.a\x00"]: not a sysctl's name`},
		row{`"net.a":"1\n2"`, `linux.sysctl["net.a"]: the value must be one line`},
		row{`"net.a":"1\u0000"`, `linux.sysctl["net.a"]: the value must be one line`},
		row{`"net.a.b":"1","net/a/b":"2"`, `linux.sysctl["net/a/b"]: is there twice, with dots and with slashes`},
		row{`"kernel.hostname":"x"`, `linux.sysctl["kernel.hostname"]: use hostname instead`},
		row{`"kernel/hostname":"x"`, `linux.sysctl["kernel/hostname"]: use hostname instead`},
		row{`"kernel.panic":"1"`, `linux.sysctl["kernel.panic"]: belongs to the whole host, not to a namespace`},
		row{`"kernel/core_pattern":"|/x"`, `linux.sysctl["kernel/core_pattern"]: belongs to the whole host, not to a namespace`},
		row{`"vm.swappiness":"1"`, `linux.sysctl["vm.swappiness"]: belongs to the whole host, not to a namespace`},
		row{`"fs.file-max":"1"`, `linux.sysctl["fs.file-max"]: belongs to the whole host, not to a namespace`},
		row{`"kernel.msgmax.x":"1"`, `linux.sysctl["kernel.msgmax.x"]: belongs to the whole host, not to a namespace`},
		row{`"netx.a":"1"`, `linux.sysctl["netx.a"]: belongs to the whole host, not to a namespace`},
		row{`"user.max_user_namespaces":"1"`, `linux.sysctl["user.max_user_namespaces"]: needs a private user namespace`},
	))
	checkRows(t, in(`"linux":{"namespaces":[{"type":"pid"}],"sysctl":{`, `}}`,
		row{`"kernel.msgmax":"1"`, `linux.sysctl["kernel.msgmax"]: needs a private ipc namespace`},
		row{`"fs.mqueue.msg_max":"1"`, `linux.sysctl["fs.mqueue.msg_max"]: needs a private ipc namespace`},
		row{`"fs/mqueue/msg_max":"1"`, `linux.sysctl["fs/mqueue/msg_max"]: needs a private ipc namespace`},
		row{`"net.core.somaxconn":"1"`, `linux.sysctl["net.core.somaxconn"]: needs a private network namespace`},
		row{`"kernel.domainname":"1"`, `linux.sysctl["kernel.domainname"]: needs a private uts namespace`},
	))
	checkRows(t, []row{{`"linux":{"namespaces":[{"type":"user","path":"/x"}],"sysctl":{"user.max_user_namespaces":"1"}}`, ""}})
}

func TestValidateLinux(t *testing.T) {
	checkRows(t, in(`"linux":{`, `}`,
		row{`"cgroupsPath":"/a/b"`, ""}, row{`"cgroupsPath":"system.slice:docker:abc"`, ""}, row{`"cgroupsPath":"a/..b"`, ""},
		row{`"cgroupsPath":"/a/../../b"`, `linux.cgroupsPath: must not contain ".."`},
		row{`"cgroupsPath":".."`, `linux.cgroupsPath: must not contain ".."`},
		row{`"cgroupsPath":"a\u0000"`, "linux.cgroupsPath: must not contain a NUL byte or a newline"},
		row{`"cgroupsPath":"a\nb"`, "linux.cgroupsPath: must not contain a NUL byte or a newline"},
		row{`"devices":[{"path":"/dev/a","type":"c","major":10,"minor":229,"fileMode":438,"uid":0,"gid":0},{"path":"/dev/p","type":"p"}]`, ""},
		row{`"devices":[{"path":"/dev/a","type":"b","major":4095,"minor":1048575,"fileMode":25008}]`, ""},
		row{`"devices":[{"path":"/dev/a","type":"a"}]`, `linux.devices[0].type: want b, c, u or p, have "a"`},
		row{`"devices":[{"path":"/dev/a"}]`, `linux.devices[0].type: want b, c, u or p, have ""`},
		row{`"devices":[{"type":"c"}]`, "linux.devices[0].path: must not be empty"},
		row{`"devices":[{"path":"dev/a","type":"c"}]`, `linux.devices[0].path: must be absolute, have "dev/a"`},
		row{`"devices":[{"path":"/d","type":"c","major":-1}]`, "linux.devices[0].major: must be from 0 to 4095, have -1"},
		row{`"devices":[{"path":"/d","type":"u","major":4096}]`, "linux.devices[0].major: must be from 0 to 4095, have 4096"},
		row{`"devices":[{"path":"/d","type":"b","minor":1048576}]`, "linux.devices[0].minor: must be from 0 to 1048575, have 1048576"},
		row{`"devices":[{"path":"/d","type":"p","fileMode":65536}]`, "linux.devices[0].fileMode: 65536 has bits that are no permission"},
		row{`"devices":[{"path":"/d","type":"p","uid":4294967295}]`, "linux.devices[0].uid: 4294967295 is not an id"},
		row{`"devices":[{"path":"/d","type":"p","gid":4294967295}]`, "linux.devices[0].gid: 4294967295 is not an id"},
		row{`"netDevices":{"eth0":{},"123456789012345":{"name":"in0"}}`, ""},
		row{`"netDevices":{"1234567890123456":{}}`, `linux.netDevices["1234567890123456"]: not the name of a network device`},
		row{`"netDevices":{"":{}}`, `linux.netDevices[""]: not the name of a network device`},
		row{`"netDevices":{"a/b":{}}`, `linux.netDevices["a/b"]: not the name of a network device`},
		row{`"netDevices":{"a:b":{}}`, `linux.netDevices["a:b"]: not the name of a network device`},
		row{`"netDevices":{"..":{}}`, `linux.netDevices[".."]: not the name of a network device`},
		row{`"netDevices":{"a":{"name":"a b"}}`, `linux.netDevices["a"].name: "a b" is not the name of a network device`},
		row{`"netDevices":{"a":{"name":"\u00e0"}}`, `linux.netDevices["a"].name: "à" is not the name of a network device`},
		row{`"netDevices":{"a":{"name":"x"},"b":{"name":"x"}}`, `linux.netDevices["b"].name: "x" is there twice`},
		row{`"netDevices":{"a":{},"b":{"name":"a"}}`, `linux.netDevices["b"].name: "a" is there twice`},
		row{`"netDevices":{"a":{}},"namespaces":[{"type":"pid"}]`, "linux.netDevices: needs a private network namespace"},
		row{`"rootfsPropagation":"rslave"`, ""}, row{`"rootfsPropagation":"unbindable"`, ""},
		row{`"rootfsPropagation":"RSLAVE"`, `linux.rootfsPropagation: unknown propagation "RSLAVE"`},
		row{`"rootfsPropagation":"ro"`, `linux.rootfsPropagation: unknown propagation "ro"`},
		row{`"maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/sys"]`, ""},
		row{`"maskedPaths":["/a",""]`, "linux.maskedPaths[1]: must not be empty"},
		row{`"maskedPaths":["proc"]`, `linux.maskedPaths[0]: must be absolute, have "proc"`},
		row{`"readonlyPaths":["/a\u0000"]`, "linux.readonlyPaths[0]: must not contain a NUL byte"},
		row{`"maskedPaths":["/a"],"namespaces":[{"type":"pid"}]`, "linux.maskedPaths: needs a private mount namespace"},
		row{`"readonlyPaths":["/a"],"namespaces":[{"type":"pid"}]`, "linux.readonlyPaths: needs a private mount namespace"},
		row{`"personality":{"domain":"LINUX"}`, ""}, row{`"personality":{"domain":"LINUX32","flags":[]}`, ""},
		row{`"personality":{"domain":"linux"}`, `linux.personality.domain: want LINUX or LINUX32, have "linux"`},
		row{`"personality":{}`, `linux.personality.domain: want LINUX or LINUX32, have ""`},
		row{`"personality":{"domain":"LINUX","flags":["X"]}`, "linux.personality.flags: none are defined"},
	))
	checkRows(t, in(`"linux":{"memoryPolicy":{`, `}}`,
		row{`"mode":"MPOL_DEFAULT","nodes":""`, ""}, row{`"mode":"MPOL_PREFERRED"`, ""}, row{`"mode":"MPOL_BIND","nodes":"0-1,3"`, ""},
		row{`"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_NUMA_BALANCING","MPOL_F_STATIC_NODES"]`, ""},
		row{`"mode":"MPOL_LOCAL","nodes":"0"`, "linux.memoryPolicy.nodes: MPOL_LOCAL mode requires 0 nodes but got 1"},
		row{`"mode":"MPOL_BIND"`, "linux.memoryPolicy.nodes: MPOL_BIND needs at least one"},
		row{`"mode":"MPOL_WEIGHTED_INTERLEAVE"`, "linux.memoryPolicy.nodes: MPOL_WEIGHTED_INTERLEAVE needs at least one"},
		row{`"mode":"MPOL_BIND","nodes":"0-"`, `linux.memoryPolicy.nodes: invalid memory policy node: want a list such as 0-3,5, have "0-"`},
		row{`"mode":"BIND","nodes":"0"`, `linux.memoryPolicy.mode: invalid memory policy mode "BIND"`},
		row{`"mode":"MPOL_BIND","nodes":"0","flags":["X"]`, `linux.memoryPolicy.flags[0]: invalid memory policy flag "X"`},
		row{`"mode":"MPOL_INTERLEAVE","nodes":"0","flags":["MPOL_F_NUMA_BALANCING"]`, "linux.memoryPolicy.flags[0]: MPOL_F_NUMA_BALANCING goes with MPOL_BIND and MPOL_PREFERRED_MANY only"},
		row{`"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_STATIC_NODES","MPOL_F_RELATIVE_NODES"]`, "linux.memoryPolicy.flags[1]: static and relative nodes exclude each other"},
	))
}

func TestValidateResources(t *testing.T) {
	r := "linux.resources."
	checkRows(t, in(`"linux":{"resources":{`, `}}`,
		row{``, ""}, row{`"memory":{},"cpu":{},"pids":{},"blockIO":{},"network":{}`, ""},
		row{`"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":-1,"minor":5,"access":"rw"}]`, ""},
		row{`"devices":[{"access":"rwa"}]`, ""},
		row{`"devices":[{"access":"a"}]`, r + `devices[0].access: want one or more of r, w and m, have "a"`},
		row{`"devices":[{"access":"rwx"}]`, r + `devices[0].access: want one or more of r, w and m, have "rwx"`},
		row{`"devices":[{"type":"a"}]`, r + `devices[0].access: want one or more of r, w and m, have ""`},
		row{`"devices":[{"type":"p","access":"r"}]`, r + `devices[0].type: want a, b or c, have "p"`},
		row{`"devices":[{"type":"c","major":-2,"access":"r"}]`, r + "devices[0].major: must be from -1 to 4294967295, have -2"},
		row{`"devices":[{"type":"c","minor":4294967296,"access":"r"}]`, r + "devices[0].minor: must be from -1 to 4294967295, have 4294967296"},
		row{`"memory":{"limit":100,"swap":100,"reservation":50,"swappiness":100}`, ""},
		row{`"memory":{"limit":-1,"swap":-1}`, ""}, row{`"memory":{"limit":-1,"swap":5}`, ""}, row{`"memory":{"swap":0}`, ""},
		row{`"memory":{"limit":-2}`, r + "memory.limit: must be -1 (unlimited) or more, have -2"},
		row{`"memory":{"reservation":-2}`, r + "memory.reservation: must be -1 (unlimited) or more, have -2"},
		row{`"memory":{"swap":-2}`, r + "memory.swap: must be -1 (unlimited) or more, have -2"},
		row{`"memory":{"swap":5}`, r + "memory.swap: needs a limit"},
		row{`"memory":{"limit":0,"swap":5}`, r + "memory.swap: needs a limit"},
		row{`"memory":{"limit":100,"swap":99}`, r + "memory.swap: 99 is below limit, 100"},
		row{`"memory":{"swappiness":101}`, r + "memory.swappiness: must be from 0 to 100, have 101"},
		row{`"cpu":{"shares":2,"quota":1000,"period":1000,"burst":1000,"idle":1,"cpus":"0-3:1/2,7","mems":"0"}`, ""},
		row{`"cpu":{"quota":-1,"period":1000000}`, ""}, row{`"cpu":{"quota":0,"period":0}`, ""},
		row{`"cpu":{"period":999}`, r + "cpu.period: must be from 1000 to 1000000, have 999"},
		row{`"cpu":{"period":1000001}`, r + "cpu.period: must be from 1000 to 1000000, have 1000001"},
		row{`"cpu":{"quota":999}`, r + "cpu.quota: must be at least 1000, have 999"},
		row{`"cpu":{"quota":2000,"burst":2001}`, r + "cpu.burst: 2001 is above quota, 2000"},
		row{`"cpu":{"realtimeRuntime":5,"realtimePeriod":4}`, r + "cpu.realtimeRuntime: 5 is above realtimePeriod, 4"},
		row{`"cpu":{"realtimeRuntime":-1,"realtimePeriod":4}`, ""},
		row{`"cpu":{"idle":2}`, r + "cpu.idle: must be 0 or 1, have 2"},
		row{`"cpu":{"cpus":"0\n1"}`, r + `cpu.cpus: want a list such as 0-3,5, have "0\n1"`},
		row{`"cpu":{"mems":"0;1"}`, r + `cpu.mems: want a list such as 0-3,5, have "0;1"`},
		row{`"pids":{"limit":-1}`, ""}, row{`"pids":{"limit":0}`, ""},
		row{`"blockIO":{"weight":10,"leafWeight":1000,"weightDevice":[{"major":8,"minor":0,"weight":500}],"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1}]}`, ""},
		row{`"blockIO":{"weight":9}`, r + "blockIO.weight: must be from 10 to 1000, have 9"},
		row{`"blockIO":{"leafWeight":1001}`, r + "blockIO.leafWeight: must be from 10 to 1000, have 1001"},
		row{`"blockIO":{"weightDevice":[{"major":-1}]}`, r + "blockIO.weightDevice[0].major: must be from 0 to 4294967295, have -1"},
		row{`"blockIO":{"weightDevice":[{"weight":5}]}`, r + "blockIO.weightDevice[0].weight: must be from 10 to 1000, have 5"},
		row{`"blockIO":{"throttleWriteIOPSDevice":[{"minor":-1}]}`, r + "blockIO.throttleWriteIOPSDevice[0].minor: must be from 0 to 4294967295, have -1"},
		row{`"hugepageLimits":[{"pageSize":"2MB","limit":0},{"pageSize":"64KB"},{"pageSize":"1GB"}]`, ""},
		row{`"hugepageLimits":[{"pageSize":"2M"}]`, r + `hugepageLimits[0].pageSize: want a size such as 64KB, 2MB or 1GB, have "2M"`},
		row{`"hugepageLimits":[{"pageSize":"../x.2MB"}]`, r + `hugepageLimits[0].pageSize: want a size such as 64KB, 2MB or 1GB, have "../x.2MB"`},
		row{`"hugepageLimits":[{"pageSize":"0MB"}]`, r + `hugepageLimits[0].pageSize: want a size such as 64KB, 2MB or 1GB, have "0MB"`},
		row{`"hugepageLimits":[{"pageSize":"2MGB"}]`, r + `hugepageLimits[0].pageSize: want a size such as 64KB, 2MB or 1GB, have "2MGB"`},
		row{`"hugepageLimits":[{}]`, r + `hugepageLimits[0].pageSize: want a size such as 64KB, 2MB or 1GB, have ""`},
		row{`"hugepageLimits":[{"pageSize":"2MB"},{"pageSize":"2MB"}]`, r + "hugepageLimits[1].pageSize: 2MB is there twice"},
		row{`"network":{"classID":1,"priorities":[{"name":"eth0","priority":1}]}`, ""},
		row{`"network":{"priorities":[{"name":"a\nb"}]}`, r + `network.priorities[0].name: "a\nb" is not the name of a network device`},
		row{`"rdma":{"mlx5_1":{"hcaHandles":3}}`, ""}, row{`"rdma":{"a b":{}}`, r + `rdma["a b"]: not the name of a device`},
		row{`"rdma":{"":{}}`, r + `rdma[""]: not the name of a device`},
		row{`"unified":{"memory.max":"1","hugetlb.2MB.max":"0","io.max":"8:0 rbps=1\n8:16 rbps=2","cgroup.max.depth":"3"}`, ""},
		row{`"unified":{"../x.max":"1"}`, r + `unified["../x.max"]: must be the name of a file, without slashes`},
		row{`"unified":{"memory":"1"}`, r + `unified["memory"]: want controller.parameter`},
		row{`"unified":{"..":"1"}`, r + `unified[".."]: want controller.parameter`},
		row{`"unified":{"":"1"}`, r + `unified[""]: want controller.parameter`},
		row{`"unified":{"memory.":"1"}`, r + `unified["memory."]: want controller.parameter`},
		row{`"unified":{"memory.max\u0000":"1"}`, r + `unified["memory.max\x00"]: want controller.parameter`},
		row{`"unified":{"memory.max":"1\u0000"}`, r + `unified["memory.max"]: the value must not contain a NUL byte`},
		row{`"unified":{"cgroup.procs":"1"}`, r + `unified["cgroup.procs"]: is the runtime's to write`},
		row{`"unified":{"cgroup.kill":"1"}`, r + `unified["cgroup.kill"]: is the runtime's to write`},
	))
}

func TestValidateSeccomp(t *testing.T) {
	p := "linux.seccomp."
	checkRows(t, in(`"linux":{"seccomp":{`, `}}`,
		row{``, ""}, row{`"architectures":["X"]`, ""},
		row{`"defaultAction":"SCMP_ACT_ALLOW"`, ""}, row{`"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38`, ""},
		row{`"syscalls":[{"names":["a"],"action":"SCMP_ACT_LOG"}]`, p + "defaultAction: must not be empty"},
		row{`"defaultAction":"ALLOW"`, p + `defaultAction: unknown action "ALLOW"`},
		row{`"defaultAction":"SCMP_ACT_NOTIFY","listenerPath":"/x"`, p + "defaultAction: SCMP_ACT_NOTIFY cannot be the default"},
		row{`"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":4096`, p + "defaultErrnoRet: must be at most 4095, have 4096"},
		row{`"defaultAction":"SCMP_ACT_TRACE","defaultErrnoRet":65536`, p + "defaultErrnoRet: must be at most 65535, have 65536"},
		row{`"defaultAction":"SCMP_ACT_KILL","defaultErrnoRet":1`, p + "defaultErrnoRet: SCMP_ACT_KILL returns none"},
	))
	checkRows(t, in(`"linux":{"seccomp":{"defaultAction":"SCMP_ACT_LOG",`, `}}`,
		row{`"architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_SHEB"]`, ""},
		row{`"architectures":["SCMP_ARCH_X86_64","amd64"]`, p + `architectures[1]: unknown architecture "amd64"`},
		row{`"flags":["SECCOMP_FILTER_FLAG_TSYNC","SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW","SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]`, ""},
		row{`"flags":["SECCOMP_FILTER_FLAG_NEW_LISTENER"]`, p + `flags[0]: unknown flag "SECCOMP_FILTER_FLAG_NEW_LISTENER"`},
		row{`"listenerPath":"/run/x","listenerMetadata":"y"`, ""},
		row{`"listenerMetadata":"y"`, p + "listenerMetadata: needs listenerPath"},
		row{`"listenerPath":"\u0000"`, p + "listenerPath: must not contain a NUL byte"},
		row{`"syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]`, p + "listenerPath: must not be empty when SCMP_ACT_NOTIFY is used"},
		row{`"listenerPath":"/x","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]`, ""},
		row{`"listenerPath":"/x","syscalls":[{"names":["read","write"],"action":"SCMP_ACT_NOTIFY"}]`, p + "syscalls[0].names[1]: SCMP_ACT_NOTIFY cannot be used for the write syscall"},
	))
	checkRows(t, in(`"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_KILL"},{`, `}]}}`,
		row{`"names":["nosuchcall"],"action":"SCMP_ACT_ERRNO","errnoRet":1`, ""}, row{`"names":[],"action":"SCMP_ACT_TRAP"`, ""},
		row{`"names":["a",""],"action":"SCMP_ACT_TRAP"`, p + "syscalls[1].names[1]: must not be empty"},
		row{`"names":["a"]`, p + "syscalls[1].action: must not be empty"},
		row{`"names":["a"],"action":"X"`, p + `syscalls[1].action: unknown action "X"`},
		row{`"names":["a"],"action":"SCMP_ACT_ALLOW","errnoRet":1`, p + "syscalls[1].errnoRet: SCMP_ACT_ALLOW returns none"},
		row{`"names":["a"],"action":"SCMP_ACT_ERRNO","errnoRet":5000`, p + "syscalls[1].errnoRet: must be at most 4095, have 5000"},
		row{`"names":["a"],"action":"SCMP_ACT_TRAP","args":[{"index":5,"value":1,"op":"SCMP_CMP_MASKED_EQ"}]`, ""},
		row{`"names":["a"],"action":"SCMP_ACT_TRAP","args":[{"index":6,"op":"SCMP_CMP_EQ"}]`, p + "syscalls[1].args[0].index: must be from 0 to 5, have 6"},
		row{`"names":["a"],"action":"SCMP_ACT_TRAP","args":[{"index":0,"op":"EQ"}]`, p + `syscalls[1].args[0].op: unknown operator "EQ"`},
	))
}

func TestValidateDocker(t *testing.T) {
	s, err := Decode(read(t, "testdata/docker.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Validate(s), Unsupported(s)); err != nil {
		t.Error(err)
	}
	if w := Warnings(s); w != nil {
		t.Error(w)
	}
}

func TestUnsupported(t *testing.T) {
	for _, r := range []row{
		{`"process":{"apparmorProfile":"docker-default","selinuxLabel":"a:b:c"}`, ""}, {`"process":null`, ""},
		{`"linux":{"mountLabel":"a:b:c"}`, ""},
		{`"linux":{"intelRdt":{}}`, ""},
		{`"vm":{"kernel":{"path":"/k"}}`, "vm: not supported on Linux"},
		{`"windows":{},"solaris":{},"zos":{},"freebsd":{}`, ""},
		{`"linux":null,"windows":{"layerFolders":["a"]}`, "windows: not supported on Linux"},
		{`"linux":null,"solaris":{}`, "solaris: not supported on Linux"},
		{`"linux":null,"zos":{}`, "zos: not supported on Linux"},
		{`"linux":null,"freebsd":{}`, "freebsd: not supported on Linux"},
		{`"annotations":{"org.criu.config":"/x"},"linux":{"resources":{"rdma":{"a":{}}}}`, ""},
	} {
		err := Unsupported(with(t, r.text))
		if have := fmt.Sprint(err); have != r.want && !(err == nil && r.want == "") {
			t.Errorf("%s:\n have %s\n want %s", r.text, have, r.want)
		}
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v is not ErrUnsupported", r.text, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		text string
		want string
	}{
		{`"hostname":"x"`, ""},
		{`"process":{"capabilities":{"bounding":["CAP_B","CAP_KILL"],"ambient":["CAP_A","CAP_B"]}}`, `process.capabilities: ignoring unknown "CAP_A", "CAP_B"`},
		{`"process":{"capabilities":{"permitted":["CAP_KILL","CAP_BPF"],"inheritable":["CAP_KILL"],"ambient":["CAP_KILL","CAP_BPF"]}}`,
			"process.capabilities.ambient[1]: can't raise ambient capability CAP_BPF: it is not in permitted and inheritable"},
		{`"process":{"commandLine":"x","user":{"username":"y","umask":1023}}`,
			"process.commandLine: ignored, it is for Windows|process.user.username: ignored, it is for Windows|" +
				"process.user.umask: only the permission bits of 01777 are used"},
		{`"mounts":[{"destination":"/a"},{"destination":"b"}]`, `mounts[1].destination: "b" is not absolute and is taken from /`},
		{`"linux":{"namespaces":[{"type":"user","path":"/x"}],"uidMappings":[{"size":1}]}`, "linux.uidMappings: ignored, the joined user namespace has its own"},
		{`"linux":{"seccomp":{}}`, "linux.seccomp: without defaultAction and syscalls there is no filter"},
		{`"linux":{"seccomp":{"defaultAction":"SCMP_ACT_LOG","listenerPath":"/x"}}`, "linux.seccomp.listenerPath: ignored, no system call is SCMP_ACT_NOTIFY"},
		{`"linux":{"resources":{"memory":{"kernel":1}}}`, "linux.resources.memory.kernel: ignored, Linux has no such limit any more"},
	} {
		if have := strings.Join(Warnings(with(t, c.text)), "|"); have != c.want {
			t.Errorf("%s:\n have %s\n want %s", c.text, have, c.want)
		}
	}
}

// FuzzValidate must not crash, and must explain itself in one line that begins
// with a path.
func FuzzValidate(f *testing.F) {
	for _, text := range odd {
		f.Add([]byte(text))
	}
	f.Add(read(f, "testdata/docker.json"))
	f.Add([]byte(base + `,"mounts":[{"destination":"a","options":["bind","idmap"]}],"hooks":{"poststop":[{"path":"/x"}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Decode(text)
		if err != nil {
			return
		}
		for _, err := range []error{Validate(s), Unsupported(s)} {
			if err == nil {
				continue
			}
			if strings.ContainsAny(err.Error(), "\n\r\x00") || !strings.Contains(err.Error(), ": ") || err.Error()[0] == '.' {
				t.Fatalf("%q: bad error %q", text, err)
			}
			if len(err.Error()) > 400 {
				t.Fatalf("%q: error of %d bytes", text, len(err.Error()))
			}
		}
		for _, w := range Warnings(s) {
			if strings.ContainsAny(w, "\n\r\x00") {
				t.Fatalf("%q: bad warning %q", text, w)
			}
		}
	})
}

func BenchmarkValidateDocker(b *testing.B) {
	s, err := Decode(read(b, "testdata/docker.json"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := Validate(s); err != nil {
			b.Fatal(err)
		}
	}
}
