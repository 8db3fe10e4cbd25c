package post

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"signpost/intake/guard"
)

// refusedEndings are the endings of names, with spaces between, for whose file a
// double click runs a program or a script, mounts a disk, or sends the person who opens
// it elsewhere without a word: as Windows, macOS and the desktops of Linux do it,
// and the interpreters that are often installed. Files are served as attachments
// alone, so that nothing else about them can do harm. The page's script has the
// same list, from the page.
const refusedEndings = "" +
	// programs, and what installs or configures them
	"exe ex_ com scr pif cpl dll sys drv ocx vxd msi msp mst msu msc inf ins isp reg nsh osd " +
	"appx appxbundle msix msixbundle appinstaller application appref-ms appcontent-ms gadget diagcab diagcfg diagpkg " +
	"vsto vsix vsmacros oxt xbap webpnp printerexport ppkg grp " +
	"jar jnlp app pkg mpkg command tool action workflow terminal prefpane saver mobileconfig " +
	"run deb rpm appimage flatpak flatpakref flatpakrepo snap desktop apk xpi crx xap air " +
	// scripts
	"bat cmd btm ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psdm1 psm1 cdxml pssc msh msh1 msh2 mshxml msh1xml msh2xml " +
	"vb vbs vbe vbp vbscript js jse mjs cjs ws wsc wsf wsh wsb sct hta htc shb shs " +
	"py py3 pyc pyo pyw pyz pyzw rb rbw pl tcl ahk au3 a3x sh bash csh ksh zsh scpt scptd applescript " +
	// pages, which run scripts of their own
	"html htm xhtml xht mht mhtml shtml svg svgz xsl xslt swf chm its hlp " +
	// pointers to somewhere else
	"lnk url website webloc inetloc fileloc scf rdp theme themepack deskthemepack msrcincident " +
	"settingcontent-ms library-ms search-ms searchconnector-ms udl odc xnk mad maf mag mam maq mar mas mav maw asx " +
	// documents made to carry programs, or to fetch something when opened
	"docm dotm xlsm xltm xlam xla xll xlm iqy oqy rqy dqy slk pptm potm ppsm ppam ppa sldm wll wiz " +
	"one onetoc2 onepkg ade adp mda mde mdz accde fxp prg " +
	// disks
	"iso img ima isz vfd vhd vhdx avhd avhdx vmdk vdi qcow qcow2 dmg sparseimage sparsebundle toast udif ndif " +
	"dmgpart squashfs"

// refusedEnding is the ending for which a file of this name is refused, "" for
// none. Computers pass over what may stand around it (spaces and dots behind it, a
// stream's name behind a colon, marks that show nothing) and some take the forms
// of a letter for the letter.
func refusedEnding(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ':' // a name ends there for many a program
		case guard.Invisible(r):
			return -1
		case r == '\u3002' || r == '\uFF61': // full stops of East Asia, taken for dots
			return '.'
		}
		return r
	}, name)
	name = strings.ToLower(norm.NFKC.String(name))
	name = strings.TrimRight(strings.ReplaceAll(name, `\`, "/"), "/. ")
	name = name[strings.LastIndexByte(name, '/')+1:]
	for part := range strings.SplitSeq(name, ":") {
		part = strings.TrimRight(part, ". ")
		dot := strings.LastIndexByte(part, '.')
		if dot < 0 {
			continue
		}
		// Windows opens "a.{CLASS-ID}" with the program of that id.
		if ending := part[dot+1:]; strings.HasPrefix(ending, "{") || isRefused(ending) {
			return "." + ending
		}
	}
	return ""
}

func isRefused(ending string) bool {
	return ending != "" && !strings.Contains(ending, " ") && strings.Contains(" "+refusedEndings+" ", " "+ending+" ")
}
