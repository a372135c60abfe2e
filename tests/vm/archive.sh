# shellcheck shell=bash
# archive.sh - packages of Debian that are not installed: fetched and unpacked, for the VM.
#
# Sourced with $dir set, where everything is kept, as working directory. apt's lists, cache and
# sources are private and signatures are checked: the machine's own apt configuration only tells the
# mirror. Needs no root. What fails calls the script's die.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror of Debian that this machine uses (apt has no list of its sources on a new machine,
# but it knows what it would fetch).
mirror() {
	local uri
	uri=$(apt-get update --print-uris 2>/dev/null |
		sed -n "s,^'\\(.*/debian/\\)dists/.*,\\1,p" | head -n 1)
	printf '%s' "${uri:-http://deb.debian.org/debian/}"
}

# update SUITE: writes the private apt configuration and asks the archive what it has now.
update() {
	[[ -r $keyring ]] || die "no $keyring: install debian-archive-keyring"
	mkdir -p apt/lists/partial apt/cache/archives/partial
	echo "deb [arch=amd64 signed-by=$keyring] $(mirror) $1 main" >apt/sources.list
	cat >apt/apt.conf <<-END
		#clear APT::Update;
		Dir::Etc::sourcelist "$dir/apt/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::State "$dir/apt";
		Dir::State::status "/dev/null";
		Dir::Cache "$dir/apt/cache";
		APT::Sandbox::User "root";
		Acquire::Retries "2";
	END
	apt-get -c apt/apt.conf -qq update >&2 ||
		die "apt cannot read $1 from $(mirror): check the network, and that" \
			"debian-archive-keyring knows the key of the release (2023.3+deb12u1 does)"
}

# unpack PACKAGE: its newest version, into new/root.
unpack() {
	rm -rf new && mkdir new
	(cd new && apt-get -c ../apt/apt.conf -qq download "$1" >&2) ||
		die "cannot download $1: check the network and try again"
	dpkg -x new/*.deb new/root
}
