"""Administrative divisions (GB/T 2260) that have a name here: the 34 of province level, and cities and districts that
the service is used in. A code without a name is shown by its nearest ancestor's."""

import re

REGION_NAMES: dict[str, tuple[str, str]] = {
    "11": ("北京市", "Beijing"),
    "12": ("天津市", "Tianjin"),
    "13": ("河北省", "Hebei"),
    "14": ("山西省", "Shanxi"),
    "15": ("内蒙古自治区", "Inner Mongolia"),
    "21": ("辽宁省", "Liaoning"),
    "22": ("吉林省", "Jilin"),
    "23": ("黑龙江省", "Heilongjiang"),
    "31": ("上海市", "Shanghai"),
    "32": ("江苏省", "Jiangsu"),
    "33": ("浙江省", "Zhejiang"),
    "34": ("安徽省", "Anhui"),
    "35": ("福建省", "Fujian"),
    "36": ("江西省", "Jiangxi"),
    "37": ("山东省", "Shandong"),
    "41": ("河南省", "Henan"),
    "42": ("湖北省", "Hubei"),
    "43": ("湖南省", "Hunan"),
    "44": ("广东省", "Guangdong"),
    "45": ("广西壮族自治区", "Guangxi"),
    "46": ("海南省", "Hainan"),
    "50": ("重庆市", "Chongqing"),
    "51": ("四川省", "Sichuan"),
    "52": ("贵州省", "Guizhou"),
    "53": ("云南省", "Yunnan"),
    "54": ("西藏自治区", "Tibet"),
    "61": ("陕西省", "Shaanxi"),
    "62": ("甘肃省", "Gansu"),
    "63": ("青海省", "Qinghai"),
    "64": ("宁夏回族自治区", "Ningxia"),
    "65": ("新疆维吾尔自治区", "Xinjiang"),
    "71": ("台湾省", "Taiwan"),
    "81": ("香港特别行政区", "Hong Kong"),
    "82": ("澳门特别行政区", "Macao"),
    "1301": ("石家庄市", "Shijiazhuang"),
    "1307": ("张家口市", "Zhangjiakou"),
    "2111": ("盘锦市", "Panjin"),
    "3206": ("南通市", "Nantong"),
    "3301": ("杭州市", "Hangzhou"),
    "3302": ("宁波市", "Ningbo"),
    "3405": ("马鞍山市", "Ma'anshan"),
    "3501": ("福州市", "Fuzhou"),
    "3502": ("厦门市", "Xiamen"),
    "3710": ("威海市", "Weihai"),
    "4101": ("郑州市", "Zhengzhou"),
    "4401": ("广州市", "Guangzhou"),
    "4403": ("深圳市", "Shenzhen"),
    "4501": ("南宁市", "Nanning"),
    "5201": ("贵阳市", "Guiyang"),
    "6202": ("嘉峪关市", "Jiayuguan"),
    "6401": ("银川市", "Yinchuan"),
    "330102": ("上城区", "Shangcheng District"),
    "330105": ("拱墅区", "Gongshu District"),
    "330106": ("西湖区", "Xihu District"),
    "330109": ("萧山区", "Xiaoshan District"),
    "330114": ("钱塘区", "Qiantang District"),
    "330122": ("桐庐县", "Tonglu County"),
    "330203": ("海曙区", "Haishu District"),
}
"""Division without its trailing 00 pairs → (Chinese, English)."""

_SUFFIX = re.compile(r"(?:(?:壮族|回族|维吾尔)?自治区|特别行政区|省|市)$")
# Streets are named after provinces and cities, elsewhere.
_STREET = "(?!.{0,2}[路街道巷弄])"
_BEGINNINGS = [
    (code[:2], re.compile(f"(?:中国)?\\s*(?:{name}|{_SUFFIX.sub('', name)}{_STREET})"))
    for code, (name, _) in REGION_NAMES.items()
    if len(code) <= 4  # districts of several cities share a name
]


def province_of(address: str | None) -> str | None:
    """The province (two digits of GB/T 2260) that a Chinese address begins with, or whose city it begins with; None
    where it says neither."""
    text = (address or "").strip()
    return next((province for province, beginning in _BEGINNINGS if beginning.match(text)), None)
