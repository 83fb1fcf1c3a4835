#!/bin/sh
# Makes the demo's video, with nothing but ffmpeg's own picture and sound generators: 80 seconds,
# 12 scenes, narrated where this ffmpeg can speak, subtitles in English and Spanish.
#
#   make_demo_video.sh FOLDER     writes FOLDER/demo.mp4 and FOLDER/scenes.csv (what it holds)
#
# Does nothing when the video is there and newer than this script.
set -eu

folder=${1:?name the folder for the video}
mkdir -p "$folder"
video=$folder/demo.mp4
if [ -f "$video" ] && [ -f "$folder/scenes.csv" ] && [ -z "$(find "$0" -newer "$video")" ]; then
    printf '%s is there already\n' "$video"
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/clipflow-demo.XXXXXX")
partial=$(cd "$folder" && pwd)/.demo.$$.mp4
trap 'rm -rf "$work" "$partial"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What the video holds. A fade or a dissolve stands at its middle.
cat >"$work/scenes.csv" <<'END'
start,transition,scene
0,start,sunrise
9,cut,rolling ball
18.98,dissolve,Mandelbrot set
29,cut,test card without sound
33,fade,game of life
46,cut,drums: test pattern
49.52,cut,drums: plasma
52.52,cut,drums: carpet
55,cut,drums: bouncing ball
58.52,cut,drums: spinning fractal
62,cut,evening
72,cut,farewell
END

# start | end | spoken or not | English | Spanish
cat >"$work/captions" <<'END'
1.5|6.2|spoken|Every morning begins like this: the sun comes up over a quiet sea.|Cada mañana empieza así: el sol sale sobre un mar tranquilo.
9.8|13.3|spoken|A white ball rolls across the table, from left to right.|Una bola blanca rueda por la mesa, de izquierda a derecha.
13.9|18.4|spoken|Keep your eye on the ball, because a good clip keeps what moves in view.|No pierdas de vista la bola: un buen clip sigue lo que se mueve.
20.5|25|spoken|Now we dive into the Mandelbrot set, where every edge hides another edge.|Ahora entramos en el conjunto de Mandelbrot: cada borde esconde otro borde.
33.5|35.3|spoken|Then the lights go out.|Entonces se apagan las luces.
35.8|40.2|spoken|And in the dark, thousands of little cells wake up and begin to live.|Y en la oscuridad despiertan miles de pequeñas células y empiezan a vivir.
40.7|45.3|spoken|Each cell looks at its eight neighbours, and then it lives or it dies.|Cada célula mira a sus ocho vecinas, y entonces vive o muere.
46.2|49.2|silent|Listen, the drums begin!|¡Escucha, empiezan los tambores!
52.7|57|silent|Louder now, and faster, until the screen is full of colour.|Más fuerte y más rápido, hasta que la pantalla se llena de color.
63.5|67.4|spoken|And then it is quiet again, and the evening comes back slowly.|Y luego vuelve la calma, y la tarde regresa despacio.
73|77|spoken|Thank you for watching. Now ask the tables what they have found.|Gracias por mirar. Ahora pregunta a las tablas qué han encontrado.
END

# Column $1 of the captions as SubRip.
subrip() {
    awk -F '|' -v column="$1" '
        function stamp(t) {
            return sprintf("%02d:%02d:%02d,%03d", t / 3600, t / 60 % 60, t % 60, (t * 1000) % 1000)
        }
        { printf "%d\n%s --> %s\n%s\n\n", NR, stamp($1), stamp($2), $column }' "$work/captions"
}
subrip 4 >"$work/en.srt"
subrip 5 >"$work/es.srt"

# Whether this ffmpeg can run a filter: not every build has a font or a voice.
can() { ffmpeg -v quiet -nostdin -f lavfi -i "$1" -frames 1 -f null - </dev/null 2>/dev/null; }

# The name of the scene and the running time, small, in a corner: so a person can check a clip.
if can "color=s=320x180,drawtext=text=x"; then
    label() { printf "drawtext=text='%s':x=16:y=h-52:fontsize=16:fontcolor=white:box=1:boxcolor=black@0.5:boxborderw=4," "$1"; }
    clock="drawtext=text='%{pts\\:hms}':x=16:y=h-28:fontsize=16:fontcolor=white:box=1:boxcolor=black@0.5:boxborderw=4,"
else
    label() { :; }
    clock=
fi

# A soft-edged ball of $1 pixels in the colour $2, drawn once.
ball() {
    printf "color=%s:s=%dx%d:r=25,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='clip(40*(%d-hypot(X-%d,Y-%d)),0,255)',trim=end_frame=1,loop=-1:1,setpts=N/25/TB" \
        "$2" "$1" "$1" "$(($1 / 2 - 3))" "$(($1 / 2))" "$(($1 / 2))"
}

# A still picture with the red, green and blue given, 0 to 255, drawn once.
still() {
    printf "color=black:s=640x360:r=25,format=gbrp,geq=r='%s':g='%s':b='%s',trim=end_frame=1,loop=-1:1,setpts=N/25/TB" "$1" "$2" "$3"
}

# The end of every scene: its label, its length in seconds, one form for all.
scene() { printf '%sscale=640:360,setsar=1,format=yuv420p,fps=25,trim=duration=%s,setpts=N/25/TB' "$(label "$1")" "$2"; }

plasma="color=black:s=80x46:r=25,format=gbrp,geq=r='128+100*sin(X/9+T*3)':g='128+100*sin(Y/6-T*4)':b='128+100*sin((X+Y)/11+T*5)',scale=640:360:flags=bicubic"

cat >"$work/graph" <<END
$(still '40+200*pow(Y/360,2)' '50+90*Y/360' '110-60*Y/360')[sky]; $(ball 120 '#ffe070')[sun]; $(still '10+20*Y/360' '40+20*Y/360' '70+20*Y/360'),crop=640:120:0:240[sea];
[sky][sun]overlay=x=260:y='250-18*t'[dawn]; [dawn][sea]overlay=y=240,$(scene sunrise 9)[s1];

$(still '30' '90-20*hypot(X-320,Y-180)/360' '60')[table]; $(ball 72 '#f4f4f4')[white];
[table][white]overlay=x='-80+68*t':y='150+10*sin(t*1.5)',$(scene 'rolling ball' 10.48)[s2];

mandelbrot=s=640x360:r=25:start_scale=3:end_scale=0.05:end_pts=262:maxiter=300,$(scene 'Mandelbrot set' 10.52)[s3];
[s2][s3]xfade=transition=fade:duration=1:offset=9.48,settb=1/25,setpts=N[s23];

smptehdbars=s=640x360:r=25,$(scene 'test card' 4),fade=out:88:12[s4];

life=s=160x90:r=10:mold=20:ratio=0.1:seed=7:life_color=#40ff80:death_color=#104030:mold_color=#082018,scale=640:360:flags=neighbor,$(scene 'game of life' 13),fade=in:0:15[s5];

testsrc2=s=640x360:r=25,$(scene 'drums 1' 3.52)[s6];
$plasma,$(scene 'drums 2' 3)[s7];
sierpinski=s=640x360:r=25:jump=40:seed=3,$(scene 'drums 3' 2.48)[s8];
$(still '200+50*sin(X/20)' '40' '120+60*Y/360')[stage]; $(ball 110 '#30f0ff')[blue];
[stage][blue]overlay=x='265+250*sin(t*5)':y='240-220*abs(sin(t*6))',$(scene 'drums 4' 3.52)[s9];
mandelbrot=s=640x360:r=25:start_scale=0.4:end_scale=0.3:end_pts=90:maxiter=100,hue=h='t*120',rotate='t*0.8':c=none,$(scene 'drums 5' 3.48)[s10];

$(still '70+120*pow(Y/360,3)' '40+30*Y/360' '90+20*Y/360')[dusk]; $(ball 90 '#ff8040')[red]; $(still '15' '15+10*Y/360' '40'),crop=640:100:0:260[bay];
[dusk][red]overlay=x=400:y='110+12*t'[late]; [late][bay]overlay=y=260,$(scene evening 10)[s11];

$(still '225-40*X/640' '215-20*X/640' '190')[paper]; $(ball 60 '#3050c0')[dot];
[paper][dot]overlay=x='290+120*cos(t*0.9)':y='150+60*sin(t*0.9)',$(scene farewell 8)[s12];

[s1][s23][s4][s5][s6][s7][s8][s9][s10][s11][s12]concat=n=11:v=1:a=0,${clock}format=yuv420p[picture];
END

# The voice: ffmpeg's speech synthesis, or a hum with the rhythm of speech where it has none.
voices=
spoken=0
if can "flite=text=yes"; then
    while IFS='|' read -r start _ how english _; do
        [ "$how" = spoken ] || continue
        spoken=$((spoken + 1))
        printf '%s' "$english" >"$work/say$spoken"
        delay=$(awk "BEGIN { printf \"%d\", $start * 1000 + 100 }")
        printf 'flite=textfile=say%s:voice=slt,volume=0.35,aresample=48000,adelay=%s[say%s];\n' "$spoken" "$delay" "$spoken" >>"$work/graph"
        voices="${voices}[say$spoken]"
    done <"$work/captions"
else
    when=$(awk -F '|' '$3 == "spoken" { printf "%sbetween(t,%s,%s)", plus, $1, $2; plus = "+" }' "$work/captions")
    cat >>"$work/graph" <<END
aevalsrc='($when)*0.2*(mod(t*(130+15*sin(4*t)),1)-0.5)*pow(abs(sin(2*PI*2.1*t)),0.6)':s=48000:d=80,highpass=f=180,lowpass=f=2500[say1];
END
    voices="[say1]"
    spoken=1
fi

# A soft chord under the calm scenes; drums and a riff from 46 to 62 seconds; no sound from 29 to 33.
cat >>"$work/graph" <<END
aevalsrc='(between(t,0,29)+between(t,62,80))*0.008*(sin(2*PI*220*t)+sin(2*PI*277.2*t)+sin(2*PI*329.6*t))*(0.6+0.4*sin(t))':s=48000:d=80[chord];
aevalsrc='between(t,46,62)*(0.6*sin(2*PI*60*mod(t,0.5)+5*exp(-30*mod(t,0.5)))*exp(-7*mod(t,0.5))+0.35*(random(0)-0.5)*exp(-18*mod(t+0.25,0.5))+0.15*(random(1)-0.5)*exp(-50*mod(t,0.125))+0.12*(mod(t*110*(1+0.5*gt(mod(t,2),1)),1)-0.5)*exp(-3*mod(t,0.25)))':s=48000:d=80,volume=1.3[drums];
${voices}[chord][drums]amix=inputs=$((spoken + 2)):duration=longest:normalize=0,alimiter=limit=0.9:level=false,aformat=channel_layouts=stereo,atrim=duration=80,asetnsamples=1024:p=0[sound]
END

# From inside the folder: names in a filter graph would have to be escaped otherwise.
(cd "$work" && ffmpeg -v error -nostdin -y -i en.srt -i es.srt -filter_complex "$(cat graph)" \
    -map '[picture]' -map '[sound]' -map 0:s -map 1:s -t 80 \
    -c:v libx264 -preset veryfast -crf 23 -c:a aac -b:a 128k -c:s mov_text \
    -metadata:s:s:0 language=eng -metadata:s:s:1 language=spa -metadata:s:a:0 language=eng \
    -movflags +faststart "$partial" </dev/null)
mv "$work/scenes.csv" "$folder/scenes.csv"
mv "$partial" "$video"
printf 'made %s\n' "$video"
