# What a machine without UEFI starts from this disk: one sentence, on screen and serial line (115200 8N1).
# The first 440 octets of the disk; at 0x7c00, in real mode.
	.code16
	.globl	_start
_start:	ljmp	$0, $set
set:	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	cld
	movw	$0x3fb, %dx		# line control: the divisor, which is 1
	movb	$0x80, %al
	outb	%al, %dx
	movw	$0x3f8, %dx
	movb	$1, %al
	outb	%al, %dx
	incw	%dx
	xorb	%al, %al
	outb	%al, %dx
	movw	$0x3fb, %dx		# eight bits, no parity
	movb	$3, %al
	outb	%al, %dx
	movw	$text, %si
next:	lodsb
	testb	%al, %al
	jz	end
	movw	%ax, %bp
	movw	$0x3fd, %dx
	movw	$0xffff, %cx
wait:	inb	%dx, %al		# until the line takes another, or there is none
	testb	$0x20, %al
	loopz	wait
	movw	%bp, %ax
	movw	$0x3f8, %dx
	outb	%al, %dx
	movb	$0x0e, %ah
	movw	$7, %bx
	int	$0x10
	jmp	next
end:	hlt
	jmp	end
text:	.asciz	"\r\nThis appliance starts by UEFI, and this machine started as a BIOS does.\r\nSwitch its firmware from legacy (CSM) to UEFI.\r\nDenne boks starter med UEFI: slaa legacy (CSM) fra i maskinens firmware.\r\n"
