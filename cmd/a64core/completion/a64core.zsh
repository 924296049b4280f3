#compdef a64core
# zsh completion for a64core: the program itself says what may follow. Where it has nothing to say, files do.
_a64core() {
  local line
  local -a found
  for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( ${#found} )); then
    _describe a64core found
  else
    _files
  fi
}
if [[ $funcstack[1] == _a64core ]]; then
  _a64core "$@" # loaded from a folder of $fpath
else
  compdef _a64core a64core
fi
