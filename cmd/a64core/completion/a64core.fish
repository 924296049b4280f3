# fish completion for a64core: the program itself says what may follow. Where it has nothing to say, files do.
function __a64core_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] __complete $words[2..] "$current" 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c a64core -f -a '(__a64core_complete)'
