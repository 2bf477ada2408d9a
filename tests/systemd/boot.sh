# Boots this machine's own root under a systemd of its own, over an overlay that lies in memory: nothing
# of the machine is touched. Run as: unshare --mount sh boot.sh FOLDER BUILD HOST DRIVER
set -e
folder=$1 build=$2 host=$3 driver=$4
mount -t tmpfs tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root" || exit 77
root=$folder/root
# What somebody recorded on this machine.
rm -rf "$root/var/lib/jitcorral" "$root/var/lib/private/jitcorral"
DESTDIR=$root cmake --install "$build" --prefix /usr >/dev/null
cp "$host" "$root/usr/bin/packaging_host"
cp "$driver" "$root/driver.py"
cp "$(dirname "$driver")/../record/segments.py" "$root/segments.py"
units=$root/etc/systemd/system
rm -rf "$units" && mkdir -p "$units"
# Debian's own would be started, too, with all that the machine has installed.
ln -s /dev/null "$units/systemd-networkd.service"

# A system call that the unit's filter denies kills the daemon here, so that it can't be overlooked.
mkdir "$units/jitcorrald.service.d"
printf '[Service]\nSystemCallErrorNumber=\n' >"$units/jitcorrald.service.d/strict.conf"

# A service under the shim, by the drop-in that is installed as an example. Without any filter of system
# calls, as DynamicUser brings one: under filters that it does not know the shim steers, and makes no record.
printf '[Service]\nExecStart=/usr/bin/packaging_host stay\nUser=nobody\nEnvironment=JITCORRAL_POLICY=all\n' \
  >"$units/subject.service"
mkdir "$units/subject.service.d"
cp "$root/usr/share/doc/jitcorral/examples/10-jitcorral.conf" "$units/subject.service.d"

cat >"$units/driver.service" <<'UNIT'
[Unit]
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -B /driver.py
StandardOutput=file:/said
StandardError=file:/said
UNIT
cd /
# Nor has the container a filter of its own (SYSTEMD_SECCOMP). A new machine id: nothing is written into the machine's journal.
SYSTEMD_SECCOMP=0 systemd-nspawn --directory="$root" --register=no --keep-unit --boot --console=pipe --quiet \
  --uuid="$(cat /proc/sys/kernel/random/uuid)" -- --unit=driver.service >"$folder/boot.log" 2>&1 </dev/null || true
cat "$root/said" 2>/dev/null || { echo "systemd did not boot:"; cat "$folder/boot.log"; exit 77; }
