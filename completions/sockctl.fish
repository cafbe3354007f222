# fish completion for sockctl. Options, columns and states come from the program's own
# tables, ports and processes from the sockets of this host.

function __sockctl_command
    set -l words (commandline -opc)
    echo $words[2]
end

function __sockctl_at_command
    test (count (commandline -opc)) -eq 1
end

function __sockctl_command_is -a name
    test "$(__sockctl_command)" = $name
end

function __sockctl_table
    set -l words (commandline -opc)
    command $words[1] porcelain $argv 2>/dev/null
end

function __sockctl_raw
    set -l words (commandline -opc)
    command $words[1] inspect --format raw -H -o $argv 2>/dev/null
end

# The candidates (with what they mean after a TAB) that go on as the last element of the
# list in the word at the cursor does.
function __sockctl_list
    set -l before (string match -r -- '^(?:--[^=]*=)?(.*,|\+)' (commandline -ct))[2]
    while read -l line
        echo "$before$line"
    end
end

# Lists end inside awk: what fish prints after a pipeline may overtake its last block, and
# land in the midst of a line.
function __sockctl_commands
    __sockctl_table commands | awk -F '\t' '{ print $1 "\t" $2 } END { print "help\toptions of a command" }'
end

# Ports that the kernel did not choose by itself, and those of listeners.
function __sockctl_ports
    __sockctl_raw local_port -tu 'not autobound or listen or close' | sort -nu | __sockctl_list
end

function __sockctl_states
    set -l states (__sockctl_table states)
    set -l typed (commandline -ct | string replace -r -- '^--[^=]*=' '')
    string match -qr '[A-Z]' -- $typed; and set states (string upper $states)
    string match -q '*-*' -- $typed; and set states (string replace -a _ - $states)
    printf '%s\n' $states | __sockctl_list
end

function __sockctl_column
    __sockctl_table fields | awk -F '\t' '{ print $1 "\t" $5 }'
end

function __sockctl_columns
    __sockctl_table fields | awk -F '\t' '
        { print $1 "\t" $5 }
        !seen[$3]++ { groups = groups $3 "\tall of this group\n" }
        END { printf "%sdetail\tall of tcp and memory\nhelp\tlist all columns\n", groups }' | __sockctl_list
end

function __sockctl_pids
    __sockctl_raw pid -tux | string split , | sort -nu | __sockctl_list
end

function __sockctl_processes
    __sockctl_raw process -tux | string split '; ' | string replace -rf '\[[0-9]+\] fd [0-9,]*$' '' | sort -u
end

# An id that has several meanings is offered with the first.
function __sockctl_meanings
    __sockctl_table meanings | awk -F '\t' '!seen[$1]++ { print $1 "\t" $3 } END { print "help\tlist them all" }'
end

function __sockctl_lab
    __sockctl_table lab | awk -F '\t' -v c=(__sockctl_command) '"," $2 "," ~ "," c "," { print $1 "\t" $3 }
        END { print "help\tlist them" }'
end

function __sockctl_netns
    path basename /run/netns/* /var/run/netns/* 2>/dev/null | sort -u
    __fish_complete_path (commandline -ct)
end

function __sockctl_operands
    switch (__sockctl_command)
        case help
            __sockctl_commands
        case inspect
            __sockctl_column
            __sockctl_table words
            __sockctl_table states
        case '*'
            __fish_print_hostnames
            string match -q '[/.]*' -- (commandline -ct); and __fish_complete_path (commandline -ct)
    end
end

# What "complete" is told of an option's argument.
function __sockctl_argument -a letter metavar choices kind
    switch "$kind"
        case file
            printf '%s\n' -r -F
        case column
            test "$letter" = -o
            and printf '%s\n' -x -a '(__sockctl_columns)'
            or printf '%s\n' -x -a '(__sockctl_column)'
        case port state pid
            printf '%s\n' -x -a "(__sockctl_"$kind"s)"
        case meaning
            printf '%s\n' -x -a '(__sockctl_meanings)'
        case lab
            printf '%s\n' -x -a '(__sockctl_lab)'
        case process
            printf '%s\n' -x -a '(__sockctl_processes)'
        case netns
            printf '%s\n' -x -a '(__sockctl_netns)'
        case user
            printf '%s\n' -x -a '(__fish_complete_users)'
        case host
            printf '%s\n' -x -a '(__fish_print_hostnames)'
        case '*'
            if test -n "$choices"
                printf '%s\n' -x -a (string replace -a , ' ' -- $choices)
            else
                string match -qr '^[^=]' -- $metavar; and printf '%s\n' -x
            end
    end
end

complete -c sockctl -f
complete -c sockctl -n '__sockctl_at_command' -a '(__sockctl_commands)'
complete -c sockctl -n '__sockctl_at_command' -l help -d 'list the commands'
complete -c sockctl -n '__sockctl_at_command' -l version -d 'the version'
complete -c sockctl -n 'not __sockctl_at_command' -a '(__sockctl_operands)'

command sockctl porcelain options 2>/dev/null | while read -l line
    set -l row (string split \t -- $line)
    test "$row[6]" = ignored; and continue
    set -l spec -n "__sockctl_command_is $row[1]" -d $row[9]
    test -n "$row[3]"; and set -a spec -s (string sub -s 2 -- $row[3])
    test -n "$row[4]"; and set -a spec -l (string sub -s 3 -- $row[4])
    complete -c sockctl $spec (__sockctl_argument "$row[3]" "$row[5]" "$row[7]" "$row[8]")
end
