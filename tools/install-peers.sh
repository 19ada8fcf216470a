#!/usr/bin/env bash
# Installs what the tests need and pip cannot bring, when it is missing and this may be done: the real peers that they
# talk to (Orthanc, DCMTK, Prometheus) or that judge pixels (DCMTK, GDCM, OpenJPEG, libjxl), libturbojpeg,
# and a C compiler for the disk that fails in the tests of faults.
set -euo pipefail
missing=()
for pair in Orthanc:orthanc storescu:dcmtk prometheus:prometheus gdcmconv:libgdcm-tools \
  opj_compress:libopenjp2-tools cjxl:libjxl-tools cc:gcc curl:curl; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || missing+=("${pair##*:}")
done
ldconfig -p 2>/dev/null | grep -q 'libturbojpeg\.so\.0' || missing+=(libturbojpeg0)
[ -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so ] || missing+=(orthanc-dicomweb)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "Missing peers: ${missing[*]}. Install them (Debian: sudo apt-get install ${missing[*]}); what needs them is skipped or fails by name." >&2
  exit 0
fi
# Debian starts a packaged daemon at once; the tests start their own on free loopback ports.
policy=/usr/sbin/policy-rc.d
made=no
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; made=yes; }
trap '[ "$made" = yes ] && rm -f "$policy"' EXIT
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
