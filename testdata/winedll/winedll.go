// Package winedll builds the one DLL that Go programs need under an older wine: bcryptprimitives.dll with its
// function ProcessPrng, which Go's run time takes its random numbers from since 1.22 and wine before 9 lacks.
//
// The DLL holds no code. Its only export forwards to SystemFunction036 (RtlGenRandom) of advapi32.dll, which takes
// the same two arguments and has always been there. Only tests use this package.
package winedll

import (
	"bytes"
	"encoding/binary"
)

// Name is what the file must be called, in the prefix's drive_c/windows/system32.
const Name = "bcryptprimitives.dll"

const (
	export  = "ProcessPrng"
	forward = "ADVAPI32.SystemFunction036"
)

// Where things lie. The file is one header block and one section, as Microsoft's PE/COFF specification lays them out.
const (
	fileAlign    = 0x200
	sectionAlign = 0x1000
	sectionRVA   = sectionAlign // the first page holds the headers
	imageBase    = 0x180000000  // where 64-bit DLLs are linked by default
	headerOffset = 64           // of "PE\0\0", right behind the DOS header
	directories  = 16           // entries of the data directory; the first is the export table
)

// Image returns the DLL for amd64.
func Image() []byte {
	exports := exportSection()
	raw := padded(exports, fileAlign)

	var b bytes.Buffer
	dos := make([]byte, headerOffset)
	copy(dos, "MZ")
	binary.LittleEndian.PutUint32(dos[0x3c:], headerOffset)
	b.Write(dos)
	b.WriteString("PE\x00\x00")
	put(&b, coffHeader{
		Machine:              0x8664, // amd64
		NumberOfSections:     1,
		SizeOfOptionalHeader: uint16(binary.Size(optionalHeader{})),
		Characteristics:      0x2022, // executable image, large addresses, DLL
	})
	optional := optionalHeader{
		Magic:               0x20b, // PE32+
		SizeOfInitialized:   uint32(len(raw)),
		ImageBase:           imageBase,
		SectionAlignment:    sectionAlign,
		FileAlignment:       fileAlign,
		OSMajor:             6,
		SubsystemMajor:      6,
		SizeOfImage:         sectionRVA + sectionAlign,
		SizeOfHeaders:       fileAlign,
		Subsystem:           3,     // console
		DLLCharacteristics:  0x140, // may be moved, no execution of data
		StackReserve:        0x100000,
		StackCommit:         0x1000,
		HeapReserve:         0x100000,
		HeapCommit:          0x1000,
		NumberOfDirectories: directories,
	}
	optional.Directories[0] = directory{RVA: sectionRVA, Size: uint32(len(exports))}
	put(&b, optional)
	put(&b, sectionHeader{
		Name:            [8]byte{'.', 'e', 'd', 'a', 't', 'a'},
		VirtualSize:     uint32(len(exports)),
		VirtualAddress:  sectionRVA,
		SizeOfRaw:       uint32(len(raw)),
		PointerToRaw:    fileAlign,
		Characteristics: 0x40000040, // initialized data, readable
	})
	return append(padded(b.Bytes(), fileAlign), raw...)
}

// exportSection is the export directory, its three tables of one entry each, and the names they point at. An address
// that lies inside the section is by definition a forwarder: the name of another DLL's function.
func exportSection() []byte {
	const (
		addresses = 40 // right behind the directory
		names     = addresses + 4
		ordinals  = names + 4
		strings   = ordinals + 4 // two bytes of ordinal, two of padding
	)
	dllName := uint32(sectionRVA + strings)
	exportName := dllName + uint32(len(Name)) + 1
	forwardName := exportName + uint32(len(export)) + 1

	var b bytes.Buffer
	put(&b, exportDirectory{
		Name: dllName, Base: 1, Functions: 1, Names: 1,
		AddressTable: sectionRVA + addresses,
		NameTable:    sectionRVA + names,
		OrdinalTable: sectionRVA + ordinals,
	})
	put(&b, forwardName)
	put(&b, exportName)
	put(&b, [2]uint16{})
	for _, s := range []string{Name, export, forward} {
		b.WriteString(s + "\x00")
	}
	return b.Bytes()
}

// put appends a fixed-size value; a bytes.Buffer never fails.
func put(b *bytes.Buffer, v any) { _ = binary.Write(b, binary.LittleEndian, v) }

// padded returns data with zeros up to a multiple of align.
func padded(data []byte, align int) []byte {
	return append(data, make([]byte, (align-len(data)%align)%align)...)
}
