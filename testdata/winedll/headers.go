package winedll

// The structures below are those of the PE/COFF specification, fields we leave zero included, in their order.

type coffHeader struct {
	Machine              uint16
	NumberOfSections     uint16
	TimeDateStamp        uint32
	PointerToSymbols     uint32
	NumberOfSymbols      uint32
	SizeOfOptionalHeader uint16
	Characteristics      uint16
}

type directory struct{ RVA, Size uint32 }

type optionalHeader struct {
	Magic                     uint16
	LinkerMajor, LinkerMinor  uint8
	SizeOfCode                uint32
	SizeOfInitialized         uint32
	SizeOfUninitialized       uint32
	EntryPoint                uint32
	BaseOfCode                uint32
	ImageBase                 uint64
	SectionAlignment          uint32
	FileAlignment             uint32
	OSMajor, OSMinor          uint16
	ImageMajor, ImageMinor    uint16
	SubsystemMajor            uint16
	SubsystemMinor            uint16
	Win32Version              uint32
	SizeOfImage               uint32
	SizeOfHeaders             uint32
	CheckSum                  uint32
	Subsystem                 uint16
	DLLCharacteristics        uint16
	StackReserve, StackCommit uint64
	HeapReserve, HeapCommit   uint64
	LoaderFlags               uint32
	NumberOfDirectories       uint32
	Directories               [directories]directory
}

type sectionHeader struct {
	Name                 [8]byte
	VirtualSize          uint32
	VirtualAddress       uint32
	SizeOfRaw            uint32
	PointerToRaw         uint32
	PointerToRelocations uint32
	PointerToLines       uint32
	Relocations, Lines   uint16
	Characteristics      uint32
}

type exportDirectory struct {
	Characteristics uint32
	TimeDateStamp   uint32
	Major, Minor    uint16
	Name            uint32
	Base            uint32
	Functions       uint32
	Names           uint32
	AddressTable    uint32
	NameTable       uint32
	OrdinalTable    uint32
}
