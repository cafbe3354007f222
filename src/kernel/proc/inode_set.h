/* Inodes of sockets: a set of them, and where one belongs in a table by inode. */
#pragma once

#include "base/util.h"

/* A set of socket inodes. Zero-initialise. */
struct inode_set {
	uint32_t *slots; /* open addressing, 0 = free */
	size_t n, size;
};

void inode_set_add(struct inode_set *set, uint32_t inode);
bool inode_set_has(const struct inode_set *set, uint32_t inode);
void inode_set_free(struct inode_set *set);

/* Multiply-shift onto a table of any size. */
static inline size_t inode_slot(uint32_t inode, size_t size)
{
	return (size_t)(((uint64_t)(inode * 0x9e3779b1u) * size) >> 32);
}
