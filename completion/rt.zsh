#compdef rt
# zsh completion for rt: rt completion zsh >/usr/share/zsh/site-functions/_rt

_rt_ids() {
	local -a ids root
	(( ${words[(I)--root]} )) && root=(--root ${words[${words[(I)--root]}+1]})
	ids=(${(f)"$(rt $root list -q 2>/dev/null)"})
	compadd -a ids
}

_rt() {
	local -a verbs create criu
	local state line
	verbs=(
		'checkpoint:checkpoint a running container'
		'completion:print a completion script'
		'create:create a container'
		'delete:delete a container'
		'events:print statistics and events of a container'
		'exec:execute a process in a container'
		'features:show the enabled features'
		'help:show help'
		'kill:send a signal to a container'
		'list:list containers'
		'mounts:add mounts to a running container, or remove them'
		'pause:suspend all processes of a container'
		'plan:print what create would do'
		'ps:list the processes of a container'
		'restore:restore a container from a checkpoint'
		'resume:resume a paused container'
		'run:create and run a container'
		'spec:create a new specification file'
		'start:start a created container'
		'state:output the state of a container'
		'update:change the limits of a container'
		'update:change the limits of a container'
	)
	create=(
		'(-b --bundle)'{-b,--bundle}'[bundle]:directory:_directories'
		'--console-socket[socket for the terminal]:socket:_files'
		'--pidfd-socket[socket for the pidfd]:socket:_files'
		'--pid-file[file for the process id]:file:_files'
		'--no-pivot[do not pivot_root]'
		'--no-new-keyring[keep the session keyring]'
		'--preserve-fds[pass N more descriptors]:N:'
	)
	criu=(
		'--image-path[directory of the images]:directory:_directories'
		'--work-path[directory of logs]:directory:_directories'
		'--tcp-established[allow TCP connections]'
		'--ext-unix-sk[allow outside unix sockets]'
		'--shell-job[allow an outside terminal]'
		'--lazy-pages[fetch pages when used]'
		'--file-locks[allow file locks]'
		'--manage-cgroups-mode[mode of saved cgroups]:mode:(soft full strict ignore)'
		'*--empty-ns[namespace without properties]:kind:(network)'
		'--auto-dedup[free pages saved twice]'
		'--network-lock[block the network]:method:(iptables nftables skip)'
	)
	_arguments -C \
		'--debug[log step by step]' \
		'--log[log file]:file:_files' \
		'--log-format[format of log lines]:format:(text json)' \
		'--log-level[least level that is logged]:level:(error warning info debug)' \
		'--root[state directory]:directory:_directories' \
		'--rootless[ignore cgroup permission errors]:when:(true false auto)' \
		'--systemd-cgroup[cgroups through systemd]' \
		'(-h --help)'{-h,--help}'[show help]' \
		'(-v --version)'{-v,--version}'[print the version]' \
		'1:command:->verb' '*::argument:->argument'
	case $state in
	verb) _describe command verbs ;;
	argument)
		case $words[1] in
		checkpoint) _arguments $criu '--parent-path[directory of a pre-dump]:directory:_directories' '--leave-running[let the container go on]' '--tcp-skip-in-flight[skip TCP connections being made]' '--link-remap[link unlinked files back]' '--status-fd[tell descriptor N]:N:' '--page-server[where pages go]:ADDRESS\:PORT:' '--pre-dump[save memory alone]' '1:id:_rt_ids' ;;
		create) _arguments $create '1:id:' ;;
		restore) _arguments $criu '(-b --bundle)'{-b,--bundle}'[bundle]:directory:_directories' '--console-socket[socket for the terminal]:socket:_files' '(-d --detach)'{-d,--detach}'[return when running]' '--pid-file[file for the process id]:file:_files' '--no-subreaper[do not adopt orphans]' '--no-pivot[no use]' '--tcp-close[restore TCP connections closed]' '--lsm-profile[profile]:TYPE\:NAME:' '--lsm-mount-context[SELinux context]:context:' '1:id:' ;;
		run) _arguments $create '(-d --detach)'{-d,--detach}'[return when started]' '--keep[do not delete]' '--no-subreaper[do not adopt orphans]' '1:id:' ;;
		start|state|pause|resume) _arguments '1:id:_rt_ids' ;;
		delete) _arguments '(-f --force)'{-f,--force}'[kill first]' '1:id:_rt_ids' ;;
		exec) _arguments '(-p --process)'{-p,--process}'[file with the process]:file:_files' '--cwd[directory to work in]:directory:' '*'{-e,--env}'[NAME=VALUE]:variable:' \
			'(-t --tty)'{-t,--tty}'[with a terminal]' '(-u --user)'{-u,--user}'[UID\[:GID\]]:user:' '*'{-g,--additional-gids}'[one group more]:gid:' \
			'(-d --detach)'{-d,--detach}'[return when started]' '--pid-file[file for the process id]:file:_files' \
			'--console-socket[socket for the terminal]:socket:_files' '--pidfd-socket[socket for the pidfd]:socket:_files' \
			'--process-label[SELinux label]:label:' '--apparmor[AppArmor profile]:profile:' '--no-new-privs[no new privileges]' \
			'*'{-c,--cap}'[one capability more]:capability:' '--preserve-fds[pass N more descriptors]:N:' \
			'*--cgroup[\[CONTROLLER\:\]PATH]:cgroup:' '--ignore-paused[in a paused container too]' '1:id:_rt_ids' '*:command:' ;;
		kill) _arguments '1:id:_rt_ids' '2:signal:(HUP INT KILL QUIT STOP CONT TERM USR1 USR2)' ;;
		list) _arguments '(-f --format)'{-f,--format}'[format]:format:(table json)' '(-q --quiet)'{-q,--quiet}'[ids alone]' ;;
		mounts) _arguments '1:change:(add remove)' '2:id:_rt_ids' '3:file:_files' ;;
		ps) _arguments '(-f --format)'{-f,--format}'[format]:format:(table json)' '1:id:_rt_ids' ;;
		update) _arguments '(-r --resources)'{-r,--resources}'[JSON of linux.resources]:file:_files' '--blkio-weight[block IO weight]:blkio-weight:' '--cpu-burst[CPU time to save up]:cpu-burst:' '--cpu-idle[0 or 1]:cpu-idle:' '--cpu-period[microseconds]:cpu-period:' '--cpu-quota[microseconds]:cpu-quota:' '--cpu-rt-period[microseconds]:cpu-rt-period:' '--cpu-rt-runtime[microseconds]:cpu-rt-runtime:' '--cpu-share[CPU weight]:cpu-share:' '--cpuset-cpus[list of CPUs]:cpuset-cpus:' '--cpuset-mems[list of memory nodes]:cpuset-mems:' '--memory[bytes]:memory:' '--memory-reservation[bytes]:memory-reservation:' '--memory-swap[bytes of memory and swap]:memory-swap:' '--pids-limit[tasks at most]:pids-limit:' '--l3-cache-schema[Intel RDT]:l3-cache-schema:' '--mem-bw-schema[Intel RDT]:mem-bw-schema:' '1:id:_rt_ids' ;;
		update) _arguments '(-r --resources)'{-r,--resources}'[JSON of linux.resources]:file:_files' '--blkio-weight[block IO weight]:blkio-weight:' '--cpu-burst[CPU time to save up]:cpu-burst:' '--cpu-idle[0 or 1]:cpu-idle:' '--cpu-period[microseconds]:cpu-period:' '--cpu-quota[microseconds]:cpu-quota:' '--cpu-rt-period[microseconds]:cpu-rt-period:' '--cpu-rt-runtime[microseconds]:cpu-rt-runtime:' '--cpu-share[CPU weight]:cpu-share:' '--cpuset-cpus[list of CPUs]:cpuset-cpus:' '--cpuset-mems[list of memory nodes]:cpuset-mems:' '--memory[bytes]:memory:' '--memory-reservation[bytes]:memory-reservation:' '--memory-swap[bytes of memory and swap]:memory-swap:' '--pids-limit[tasks at most]:pids-limit:' '--l3-cache-schema[Intel RDT]:l3-cache-schema:' '--mem-bw-schema[Intel RDT]:mem-bw-schema:' '1:id:_rt_ids' ;;
		events) _arguments '--stats[print statistics once]' '--interval[time between two statistics]:interval:' '1:id:_rt_ids' ;;
		spec) _arguments '(-b --bundle)'{-b,--bundle}'[bundle]:directory:_directories' '--rootless[without root]' ;;
		plan) _arguments '(-b --bundle)'{-b,--bundle}'[bundle]:directory:_directories' '--json[print JSON]' '--no-pivot[as create]' '--no-new-keyring[as create]' '--preserve-fds[as create]:N:' '1:bundle:_directories' ;;
		completion) _arguments '1:shell:(bash zsh fish)' ;;
		esac
		;;
	esac
}

if [[ $funcstack[1] == _rt ]]; then _rt "$@"; else compdef _rt rt; fi
