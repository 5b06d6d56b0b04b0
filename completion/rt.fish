# fish completion for rt: rt completion fish >/usr/share/fish/vendor_completions.d/rt.fish

function __rt_ids
    set -l words (commandline -opc)
    set -l at (contains -i -- --root $words)
    if test -n "$at"
        rt --root $words[(math $at + 1)] list -q 2>/dev/null
    else
        rt list -q 2>/dev/null
    end
end

set -l verbs checkpoint completion create delete exec features help kill list mounts pause plan ps restore resume run spec start state
set -l none "not __fish_seen_subcommand_from $verbs"

complete -c rt -f
complete -c rt -n $none -l debug -d 'log step by step'
complete -c rt -n $none -l log -r -F -d 'log file'
complete -c rt -n $none -l log-format -x -a 'text json' -d 'format of log lines'
complete -c rt -n $none -l root -x -a '(__fish_complete_directories)' -d 'state directory'
complete -c rt -n $none -l rootless -x -a 'true false auto' -d 'ignore cgroup permission errors'
complete -c rt -n $none -l systemd-cgroup -d 'cgroups through systemd'
complete -c rt -n $none -s v -l version -d 'print the version'
complete -c rt -s h -l help -d 'show help'

complete -c rt -n $none -a checkpoint -d 'checkpoint a running container'
complete -c rt -n $none -a completion -d 'print a completion script'
complete -c rt -n $none -a create -d 'create a container'
complete -c rt -n $none -a delete -d 'delete a container'
complete -c rt -n $none -a exec -d 'execute a process in a container'
complete -c rt -n $none -a features -d 'show the enabled features'
complete -c rt -n $none -a help -d 'show help'
complete -c rt -n $none -a kill -d 'send a signal to a container'
complete -c rt -n $none -a list -d 'list containers'
complete -c rt -n $none -a mounts -d 'add mounts to a running container, or remove them'
complete -c rt -n $none -a pause -d 'suspend all processes of a container'
complete -c rt -n $none -a plan -d 'print what create would do'
complete -c rt -n $none -a ps -d 'list the processes of a container'
complete -c rt -n $none -a restore -d 'restore a container from a checkpoint'
complete -c rt -n $none -a resume -d 'resume a paused container'
complete -c rt -n $none -a run -d 'create and run a container'
complete -c rt -n $none -a spec -d 'create a new specification file'
complete -c rt -n $none -a start -d 'start a created container'
complete -c rt -n $none -a state -d 'output the state of a container'

complete -c rt -n '__fish_seen_subcommand_from checkpoint start state delete exec kill pause resume ps' -a '(__rt_ids)'
complete -c rt -n '__fish_seen_subcommand_from kill' -a 'HUP INT KILL QUIT STOP CONT TERM USR1 USR2'
complete -c rt -n '__fish_seen_subcommand_from mounts' -a 'add remove (__rt_ids)' -F
complete -c rt -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
complete -c rt -n '__fish_seen_subcommand_from create restore run spec plan' -s b -l bundle -x -a '(__fish_complete_directories)' -d bundle
complete -c rt -n '__fish_seen_subcommand_from plan' -a '(__fish_complete_directories)'
complete -c rt -n '__fish_seen_subcommand_from plan' -l json -d 'print JSON'
complete -c rt -n '__fish_seen_subcommand_from create restore run' -l console-socket -r -F -d 'socket for the terminal'
complete -c rt -n '__fish_seen_subcommand_from create run' -l pidfd-socket -r -F -d 'socket for the pidfd'
complete -c rt -n '__fish_seen_subcommand_from create restore run' -l pid-file -r -F -d 'file for the process id'
complete -c rt -n '__fish_seen_subcommand_from create restore run plan' -l no-pivot -d 'do not pivot_root'
complete -c rt -n '__fish_seen_subcommand_from create run plan' -l no-new-keyring -d 'keep the session keyring'
complete -c rt -n '__fish_seen_subcommand_from create run plan' -l preserve-fds -x -d 'pass N more descriptors'
complete -c rt -n '__fish_seen_subcommand_from restore run' -s d -l detach -d 'return when started'
complete -c rt -n '__fish_seen_subcommand_from run' -l keep -d 'do not delete'
complete -c rt -n '__fish_seen_subcommand_from restore run' -l no-subreaper -d 'do not adopt orphans'
complete -c rt -n '__fish_seen_subcommand_from exec' -s p -l process -r -F -d 'file with the process'
complete -c rt -n '__fish_seen_subcommand_from exec' -l cwd -x -d 'directory to work in'
complete -c rt -n '__fish_seen_subcommand_from exec' -s e -l env -x -d 'NAME=VALUE'
complete -c rt -n '__fish_seen_subcommand_from exec' -s t -l tty -d 'with a terminal'
complete -c rt -n '__fish_seen_subcommand_from exec' -s u -l user -x -d 'UID[:GID]'
complete -c rt -n '__fish_seen_subcommand_from exec' -s g -l additional-gids -x -d 'one group more'
complete -c rt -n '__fish_seen_subcommand_from exec' -s d -l detach -d 'return when started'
complete -c rt -n '__fish_seen_subcommand_from exec' -l pid-file -r -F -d 'file for the process id'
complete -c rt -n '__fish_seen_subcommand_from exec' -l console-socket -r -F -d 'socket for the terminal'
complete -c rt -n '__fish_seen_subcommand_from exec' -l pidfd-socket -r -F -d 'socket for the pidfd'
complete -c rt -n '__fish_seen_subcommand_from exec' -l process-label -x -d 'SELinux label'
complete -c rt -n '__fish_seen_subcommand_from exec' -l apparmor -x -d 'AppArmor profile'
complete -c rt -n '__fish_seen_subcommand_from exec' -l no-new-privs -d 'no new privileges'
complete -c rt -n '__fish_seen_subcommand_from exec' -s c -l cap -x -d 'one capability more'
complete -c rt -n '__fish_seen_subcommand_from exec' -l preserve-fds -x -d 'pass N more descriptors'
complete -c rt -n '__fish_seen_subcommand_from exec' -l cgroup -x -d '[CONTROLLER:]PATH'
complete -c rt -n '__fish_seen_subcommand_from exec' -l ignore-paused -d 'in a paused container too'
complete -c rt -n '__fish_seen_subcommand_from delete' -s f -l force -d 'kill first'
complete -c rt -n '__fish_seen_subcommand_from list ps' -s f -l format -x -a 'table json' -d format
complete -c rt -n '__fish_seen_subcommand_from list' -s q -l quiet -d 'ids alone'
complete -c rt -n '__fish_seen_subcommand_from spec' -l rootless -d 'without root'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l image-path -x -a '(__fish_complete_directories)' -d 'directory of the images'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l work-path -x -a '(__fish_complete_directories)' -d 'directory of logs'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l tcp-established -d 'allow TCP connections'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l ext-unix-sk -d 'allow outside unix sockets'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l shell-job -d 'allow an outside terminal'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l lazy-pages -d 'fetch pages when used'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l file-locks -d 'allow file locks'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l auto-dedup -d 'free pages saved twice'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l manage-cgroups-mode -x -a 'soft full strict ignore' -d 'mode of saved cgroups'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l empty-ns -x -a network -d 'namespace without properties'
complete -c rt -n '__fish_seen_subcommand_from checkpoint restore' -l network-lock -x -a 'iptables nftables skip' -d 'block the network'
complete -c rt -n '__fish_seen_subcommand_from checkpoint' -l parent-path -x -a '(__fish_complete_directories)' -d 'directory of a pre-dump'
complete -c rt -n '__fish_seen_subcommand_from checkpoint' -l leave-running -d 'let the container go on'
complete -c rt -n '__fish_seen_subcommand_from checkpoint' -l tcp-skip-in-flight -d 'skip TCP connections being made'
complete -c rt -n '__fish_seen_subcommand_from checkpoint' -l link-remap -d 'link unlinked files back'
complete -c rt -n '__fish_seen_subcommand_from checkpoint' -l pre-dump -d 'save memory alone'
complete -c rt -n '__fish_seen_subcommand_from checkpoint' -l status-fd -x -d 'tell descriptor N'
complete -c rt -n '__fish_seen_subcommand_from checkpoint' -l page-server -x -d 'ADDRESS:PORT for pages'
complete -c rt -n '__fish_seen_subcommand_from restore' -l tcp-close -d 'restore TCP connections closed'
complete -c rt -n '__fish_seen_subcommand_from restore' -l lsm-profile -x -d 'TYPE:NAME'
complete -c rt -n '__fish_seen_subcommand_from restore' -l lsm-mount-context -x -d 'SELinux context'
