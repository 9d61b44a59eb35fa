#!/bin/sh
# layer-view.sh SOURCE-ROOT LAYER-BUILD-DIR HEADER…: gives a layer an include folder that holds its own public headers and no others.
set -eu
root=$1 view=$2/include/kube; shift 2
rm -rf "$view"; mkdir -p "$view/sys"
for header; do ln -s "$root/include/kube/$header" "$view/$header"; done
