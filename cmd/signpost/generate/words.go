package generate

// What partners and agents write, by language; English stands in for any other.

// phrases are the texts of one language. Each of an agent's is the middle of a letter,
// between greeting and farewell.
type phrases struct {
	greeting, farewell string // around the name
	titles, sentences  []string
	asked              []string // the agent needs to know more
	answered           []string // the partner tells it
	working            []string // the agent is on it
	solved             []string
	closed             []string // solved, since the partner did not answer
	again              []string // the partner: it is not solved
}

var letters = map[string]phrases{
	"en": {
		greeting: "Hello %s,", farewell: "Kind regards",
		titles: nil, sentences: nil, // of subjects, complaints and sentences
		asked: []string{
			"thank you for the details. Could you send us **two order numbers** and the time at which " +
				"you tried it? Then we can find it in our log.",
			"we cannot see it from our side yet. Which browser do you use, and does it happen in a private " +
				"window too?",
		},
		answered: []string{
			"It happened again this morning, at about ten, with orders 104233 and 104251.",
			"We use Firefox, and it is the same in a private window.",
		},
		working: []string{
			"we can see it now, and have passed it on to the team that runs this part. We write again as soon as " +
				"it is mended.",
			"this concerns a few other partners too. A correction is being tested; we expect it within two days.",
		},
		solved: []string{
			"this is mended since this morning:\n\n1. the job runs again every hour,\n" +
				"2. what was missing has been added.\n\nPlease have a look, and write to us if anything is wrong.",
			"the setting was off for your account. We have switched it on; new orders show it at once, older " +
				"ones by tomorrow.",
			"a certificate had run out on our side. It is renewed, and your requests have gone through since then.",
		},
		closed: []string{"we did not hear from you, so we take it that all is well and close this request. " +
			"You can open it again on its page at any time."},
		again: []string{"Thank you, but today it is the same as before: the last three are missing again."},
	},
	"es": {
		greeting: "Hola, %s:", farewell: "Un cordial saludo",
		titles: []string{
			"La exportación nocturna se detiene a medias", "El pago de la semana pasada no coincide",
			"No se puede abrir la factura en PDF", "El código de descuento muestra un error", "Faltan imágenes " +
				"en el catálogo",
		},
		sentences: []string{
			"Funcionaba hasta anteayer y no hemos cambiado nada.", "Lo hemos probado con otro navegador y ocurre " +
				"lo mismo.",
			"Unos cuarenta clientes nos han preguntado por ello desde esta mañana.",
			"¿Pueden decirnos si ya lo conocen y cuándo volverá a funcionar?",
			"Necesitamos los datos para nuestra asesoría antes de fin de mes.",
		},
		asked: []string{
			"gracias por la información. ¿Nos puede enviar **dos números de pedido** y la hora en que lo intentó?",
		},
		answered: []string{"Ha vuelto a ocurrir esta mañana, hacia las diez, con los pedidos 104233 y 104251."},
		working: []string{
			"ya lo vemos y lo hemos pasado al equipo responsable. Le escribiremos en cuanto esté resuelto.",
		},
		solved: []string{
			"está resuelto desde esta mañana y hemos añadido lo que faltaba. Si algo sigue mal, escríbanos.",
			"la opción estaba desactivada en su cuenta. La hemos activado; los pedidos nuevos ya la muestran.",
		},
		closed: []string{
			"como no hemos tenido respuesta, cerramos esta solicitud. Puede reabrirla en su página cuando quiera.",
		},
		again: []string{"Gracias, pero hoy ocurre lo mismo que antes: faltan otra vez los tres últimos."},
	},
	"zh-Hans": {
		greeting: "%s，您好：", farewell: "此致",
		titles: []string{"夜间导出中途停止", "上周的付款金额不对", "发票 PDF 打不开", "折扣码显示错误", "商品目录的图片不见了"},
		sentences: []string{
			"前天还正常，我们没有改动任何设置。",
			"换了另一个浏览器，结果一样。",
			"从今天早上起，大约四十位客户问过我们。",
			"请问你们是否已经知道这个问题，什么时候能恢复？",
			"月底之前我们需要把数据交给税务顾问。",
		},
		asked:    []string{"感谢您提供的信息。能否告诉我们**两个订单号**以及操作的时间？这样我们可以在日志中查找。"},
		answered: []string{"今天上午十点左右又发生了，订单号是 104233 和 104251。"},
		working:  []string{"我们已经看到这个问题，并转给了负责的团队。一旦修好，我们会马上写信告诉您。"},
		solved:   []string{"问题已于今天上午修复，缺少的数据也已补上。如仍有异常，请告诉我们。", "您的账户中该选项被关闭了，我们已经打开；新订单会立即显示。"},
		closed:   []string{"由于没有收到您的回复，我们先关闭这个请求。您可以随时在请求页面上重新打开。"},
		again:    []string{"谢谢，但今天又和以前一样：最后三条还是没有。"},
	},
	"id": {
		greeting: "Halo %s,", farewell: "Salam",
		titles: []string{
			"Ekspor malam berhenti di tengah jalan", "Pembayaran minggu lalu tidak sesuai", "Faktur PDF tidak " +
				"bisa dibuka",
			"Kode diskon menampilkan kesalahan", "Gambar katalog hilang",
		},
		sentences: []string{
			"Sampai kemarin lusa masih berjalan dan kami tidak mengubah apa pun.",
			"Kami sudah mencoba dengan peramban lain dan hasilnya sama.",
			"Sekitar empat puluh pelanggan menanyakannya sejak pagi ini.",
			"Apakah masalah ini sudah diketahui, dan kapan akan berfungsi lagi?",
			"Kami membutuhkan datanya untuk konsultan pajak sebelum akhir bulan.",
		},
		asked: []string{
			"terima kasih atas penjelasannya. Bisakah Anda mengirim **dua nomor pesanan** dan jam saat Anda " +
				"mencobanya?",
		},
		answered: []string{"Pagi ini terjadi lagi, sekitar pukul sepuluh, pada pesanan 104233 dan 104251."},
		working: []string{
			"kami sudah melihatnya dan meneruskannya ke tim terkait. Kami akan menulis lagi begitu selesai.",
		},
		solved: []string{
			"masalah ini sudah diperbaiki sejak pagi ini, dan data yang hilang sudah ditambahkan. Tulislah bila " +
				"masih ada yang salah.",
			"pengaturan itu tidak aktif di akun Anda. Kami sudah mengaktifkannya; pesanan baru langsung " +
				"menampilkannya.",
		},
		closed: []string{"karena belum ada kabar dari Anda, kami menutup permintaan ini. " +
			"Anda dapat membukanya lagi kapan saja di halamannya."},
		again: []string{"Terima kasih, tetapi hari ini sama seperti sebelumnya: tiga data terakhir hilang lagi."},
	},
	"ar": {
		greeting: "مرحبًا %s،", farewell: "مع أطيب التحيات",
		titles: []string{
			"التصدير الليلي يتوقف في منتصفه", "دفعة الأسبوع الماضي غير مطابقة", "لا يمكن فتح فاتورة PDF",
			"رمز الخصم يعرض خطأ", "صور الكتالوج مفقودة",
		},
		sentences: []string{
			"كان كل شيء يعمل حتى أول أمس ولم نغيّر شيئًا.", "جرّبنا متصفحًا آخر وكانت النتيجة نفسها.",
			"سألنا عنه نحو أربعين عميلًا منذ هذا الصباح.", "هل المشكلة معروفة لديكم، ومتى ستعمل الخدمة من جديد؟",
			"نحتاج إلى البيانات لمستشارنا الضريبي قبل نهاية الشهر.",
		},
		asked:    []string{"شكرًا على التفاصيل. هل يمكنكم إرسال **رقمي طلبين** والساعة التي حاولتم فيها؟"},
		answered: []string{"حدث ذلك مجددًا هذا الصباح نحو الساعة العاشرة، مع الطلبين 104233 و104251."},
		working:  []string{"نرى المشكلة الآن وقد أحلناها إلى الفريق المسؤول. سنكتب إليكم فور إصلاحها."},
		solved: []string{
			"تم إصلاح المشكلة هذا الصباح وأضفنا ما كان ناقصًا. اكتبوا إلينا إن بقي أي خطأ.",
			"كان الخيار معطّلًا في حسابكم. لقد فعّلناه، وستظهره الطلبات الجديدة فورًا.",
		},
		closed: []string{"لم يصلنا رد منكم، لذلك نغلق هذا الطلب. يمكنكم إعادة فتحه من صفحته في أي وقت."},
		again:  []string{"شكرًا، لكن اليوم تكرر الأمر كما كان: آخر ثلاثة سجلات مفقودة مرة أخرى."},
	},
}

// notes are what agents write for each other.
var notes = []string{
	"Seen in the log: 502 from the export service since Tuesday. Asked its team.",
	"Third partner this week with the same report; it may be one cause.",
	"Called the company: they have a new address for us, which they will confirm by phone.",
	"The account has the old price list. To be changed after their month's end.",
}

// lettersIn are the texts of a language.
func lettersIn(lang string) phrases {
	if p, ok := letters[lang]; ok {
		return p
	}
	return letters["en"]
}
