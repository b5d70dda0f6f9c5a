#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# conan.sh SOURCE WORK: `conan create` with the recipe and its test_package. Conan comes from PyPI into a virtual environment
# under WORK; Asio and OpenSSL are the system's, so that nothing else has to be downloaded.
set -eu
source=$1
work=$2
mkdir -p "$work"
export CONAN_HOME="$work/home"

conan=$work/venv/bin/conan
if ! "$conan" --version > /dev/null 2>&1; then
  rm -rf "$work/venv"
  if ! { python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q 'conan>=2.5,<3'; } > "$work/pip.log" 2>&1; then
    cat "$work/pip.log"
    echo 'SKIP: conan could not be installed from PyPI into a virtual environment'
    exit 77
  fi
fi
"$conan" --version
rm -rf "$CONAN_HOME"

major=$(g++ -dumpversion | cut -d. -f1)
asio=$(printf '#include <asio/version.hpp>\nASIO_VERSION\n' | g++ -E -P -x c++ - | tail -n 1)
openssl=$(pkg-config --modversion libcrypto)
cat > "$work/profile" << PROFILE
[settings]
os=Linux
arch=x86_64
build_type=Release
compiler=gcc
compiler.version=$major
compiler.libcxx=libstdc++11
compiler.cppstd=20
[conf]
tools.cmake.cmaketoolchain:generator=Ninja
tools.cmake.cmaketoolchain:user_presets=
tools.cmake.cmake_layout:test_folder=$work/test_package
[platform_requires]
asio/$((asio / 100000)).$((asio / 100 % 1000)).$((asio % 100))
openssl/$openssl
PROFILE
"$conan" create "$source" --profile:all="$work/profile" --no-remote
"$conan" create "$source" --profile:all="$work/profile" --no-remote -o '&:core_only=True'
