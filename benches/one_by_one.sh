#!/bin/sh
# Five variants of each of six clips as people write them: one ffmpeg for each file, which seeks,
# decodes, filters and encodes for itself.
#
# usage: one_by_one.sh SOURCE FOLDER START...    (START: seconds at which each clip begins)
set -eu
source=$1
folder=$2
shift 2
mkdir -p "$folder"
# The same picture work as clipflow's: the same windows, along the same path, at the same sizes.
scaler=bicubic

# render START LENGTH NAME GRAPH [SOUND]
render() {
    ffmpeg -nostdin -v error -y -ss "$1" -t "$2" -i "$source" -filter_complex "[0:v]$4,setsar=1,fps=25[v]" \
        -map '[v]' -map 0:a? -af "${5:-}loudnorm=I=-14:TP=-1.5" -ar 48000 -c:a aac -b:a 160k \
        -c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p "$folder/$3.mp4"
}

number=0
for start in "$@"; do
    # The window's centre, as a share of the picture: three anchors over the clip.
    path="if(lt(t,6),0.3+0.05*t,0.6-0.011111*(t-6))"
    later="if(lt(t,1),0.55+0.05*t,0.6-0.011111*(t-1))"
    tall="crop=404:720:'clip(($path)*iw-202,0,iw-404)':0,scale=540:960:flags=$scaler"
    begun="crop=404:720:'clip(($later)*iw-202,0,iw-404)':0,scale=540:960:flags=$scaler"
    square="crop=720:720:'clip(($path)*iw-360,0,iw-720)':0"
    fit="split[a][b];[a]crop=404:720,scale=66:120:flags=bilinear,gblur=sigma=5,scale=540:960:flags=bilinear[c];[b]scale=540:304:flags=$scaler[d];[c][d]overlay=0:328:format=yuv420"
    close="crop=592:720:'clip(($path)*iw-296,0,iw-592)':0,scale=540:656:flags=$scaler"
    split="split[a][b];[a]scale=540:304:flags=$scaler[c];[b]$close[d];[c][d]vstack,drawbox=0:302:540:4:white:fill"
    render "$start" 15 "$number-fade" "$tall,fade=t=out:st=14.45:d=0.55" "afade=t=out:st=14.45:d=0.55,"
    render "$(awk "BEGIN { print $start + 5 }")" 10 "$number-later" "$begun"
    render "$start" 15 "$number-fit" "$fit"
    render "$start" 15 "$number-square" "$square"
    render "$start" 15 "$number-split" "$split"
    number=$((number + 1))
    echo "clip $number of $# is done" >&2
done
