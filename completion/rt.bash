# bash completion for rt: rt completion bash >/etc/bash_completion.d/rt

_rt_words() {
	case $1 in
	checkpoint) echo --image-path --work-path --tcp-established --ext-unix-sk --shell-job --lazy-pages --file-locks --manage-cgroups-mode --empty-ns --auto-dedup --network-lock --parent-path --leave-running --tcp-skip-in-flight --link-remap --status-fd --page-server --pre-dump --help ;;
	create) echo --bundle --console-socket --pidfd-socket --pid-file --no-pivot --no-new-keyring --preserve-fds --help ;;
	restore) echo --image-path --work-path --tcp-established --ext-unix-sk --shell-job --lazy-pages --file-locks --manage-cgroups-mode --empty-ns --auto-dedup --network-lock --bundle --console-socket --detach --pid-file --no-subreaper --no-pivot --tcp-close --lsm-profile --lsm-mount-context --help ;;
	run) echo --bundle --console-socket --pidfd-socket --pid-file --no-pivot --no-new-keyring --preserve-fds --detach --keep --no-subreaper --help ;;
	delete) echo --force --help ;;
	exec) echo --process --cwd --env --tty --user --additional-gids --detach --pid-file --console-socket --pidfd-socket --process-label --apparmor --no-new-privs --cap --preserve-fds --cgroup --ignore-paused --help ;;
	list) echo --format --quiet --help ;;
	update) echo --resources --blkio-weight --cpu-burst --cpu-idle --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-share --cpuset-cpus --cpuset-mems --memory --memory-reservation --memory-swap --pids-limit --l3-cache-schema --mem-bw-schema --help ;;
	events) echo --stats --interval --help ;;
	ps) echo --format --help ;;
	spec) echo --bundle --rootless --help ;;
	plan) echo --bundle --json --no-pivot --no-new-keyring --preserve-fds --help ;;
	'') echo --debug --log --log-format --log-level --root --rootless --systemd-cgroup --help --version ;;
	*) echo --help ;;
	esac
}

_rt() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb='' i root=()
	local verbs='checkpoint completion create delete events exec features help kill list mounts pause plan ps restore resume run spec start state update'
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--root) root=(--root "${COMP_WORDS[i + 1]}"); ((i++)) ;;
		--log | --log-format | --log-level | --rootless) ((i++)) ;;
		-*) ;;
		*) verb=${COMP_WORDS[i]}; break ;;
		esac
	done
	case $prev in
	--bundle | -b | --root | --image-path | --work-path | --parent-path) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
	--resources | -r | --log | --pid-file | --process | -p | --console-socket | --pidfd-socket) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	--log-level) mapfile -t COMPREPLY < <(compgen -W 'error warning info debug' -- "$cur"); return ;;
	--log-format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$cur"); return ;;
	--manage-cgroups-mode) mapfile -t COMPREPLY < <(compgen -W 'soft full strict ignore' -- "$cur"); return ;;
	--network-lock) mapfile -t COMPREPLY < <(compgen -W 'iptables nftables skip' -- "$cur"); return ;;
	--empty-ns) mapfile -t COMPREPLY < <(compgen -W 'network' -- "$cur"); return ;;
	--rootless) [[ $verb ]] || { mapfile -t COMPREPLY < <(compgen -W 'true false auto' -- "$cur"); return; } ;;
	--format | -f) [[ $verb != list && $verb != ps ]] || { mapfile -t COMPREPLY < <(compgen -W 'table json' -- "$cur"); return; } ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_rt_words "$verb")" -- "$cur")
		return
	fi
	case $verb in
	'' | help) mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur") ;;
	completion) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$cur") ;;
	plan) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	mounts)
		case $((COMP_CWORD - i)) in
		1) mapfile -t COMPREPLY < <(compgen -W 'add remove' -- "$cur") ;;
		2) mapfile -t COMPREPLY < <(compgen -W "$(rt "${root[@]}" list -q 2>/dev/null)" -- "$cur") ;;
		*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		esac
		;;
	checkpoint | start | state | delete | exec | pause | resume | ps | update | events) mapfile -t COMPREPLY < <(compgen -W "$(rt "${root[@]}" list -q 2>/dev/null)" -- "$cur") ;;
	kill)
		if ((i + 1 == COMP_CWORD)); then
			mapfile -t COMPREPLY < <(compgen -W "$(rt "${root[@]}" list -q 2>/dev/null)" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -W 'HUP INT KILL QUIT STOP CONT TERM USR1 USR2' -- "$cur")
		fi
		;;
	esac
}

complete -F _rt rt
