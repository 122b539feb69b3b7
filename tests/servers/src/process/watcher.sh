# Runs a server for as long as standard input is open: it closes when the process at its other end ends, also by kill -9.
# The folder is removed then, unless a word says that it stays.
folder=$1
shift
"$@" </dev/null >>"$folder/log" 2>&1 &
echo $!
read -r stays
kill -KILL $! 2>/dev/null
wait
[ -n "$stays" ] && exit
# Children of the server may still write for a moment.
for _ in 1 2 3 4 5 6 7 8 9; do
    rm -rf "$folder" 2>/dev/null && break
    sleep 0.2
done
