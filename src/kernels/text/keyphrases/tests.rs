use super::*;

fn found(text: &str, language: &str, most: usize) -> Vec<String> {
    keyphrases(text, Some(language), most).into_iter().map(|k| k.text).collect()
}

#[test]
fn show() {
    for (text, language) in [EN, ES, DE, FR, AR, JA, ZH, TH] { eprintln!("{language}: {:?}", keyphrases(text, Some(language), 8).into_iter().map(|k| format!("{} {}", k.text, k.weight)).collect::<Vec<_>>()); }
    let _ = found;
}

const EN: (&str, &str) = (
    "So today we're gonna talk about solar panels.\nA solar panel on your roof pays for itself in six years,\nand the battery stores energy for the night.\nHow much does a home battery cost? About 5000 dollars.\nNASA has used solar panels since 1958.",
    "en",
);
const ES: (&str, &str) = (
    "La inteligencia artificial está cambiando la medicina.\nLos médicos usan inteligencia artificial para leer radiografías.\n¿Puede una máquina reemplazar a un médico?\nNo, pero la máquina ayuda al hospital.",
    "es",
);
const DE: (&str, &str) = (
    "Der Klimawandel verändert unsere Wälder.\nWenn die Temperaturen steigen, leiden die Wälder unter dem Borkenkäfer.\nWas können wir gegen den Klimawandel tun? Der Förster pflanzt neue Bäume.",
    "de",
);
const FR: (&str, &str) = (
    "L'énergie solaire est l'avenir de l'Afrique.\nAvec l'énergie solaire, les villages ont enfin de l'électricité.\nEst-ce que l'électricité restera chère ?",
    "fr",
);
const AR: (&str, &str) = (
    "الذكاء الاصطناعي يغير العالم اليوم.\nيستخدم الأطباء الذكاء الاصطناعي في المستشفيات.\nهل الذكاء الاصطناعي خطير؟",
    "ar",
);
const JA: (&str, &str) = (
    "今日は人工知能についてお話しします。\n人工知能は医療の世界を変えています。\nロボットは病院で患者を助けます。ロボットは怖いですか？",
    "ja",
);
const ZH: (&str, &str) = ("人工智能正在改变我们的世界。\n医生在医院使用人工智能。\n机器人和医生一起工作。", "zh");
const TH: (&str, &str) = ("ปัญญาประดิษฐ์ เปลี่ยนโลก\nหมอใช้ ปัญญาประดิษฐ์ ในโรงพยาบาล", "th");

pub(in crate::kernels::text) const ALL: [(&str, &str); 8] = [EN, ES, DE, FR, AR, JA, ZH, TH];
