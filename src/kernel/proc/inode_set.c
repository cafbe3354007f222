#include "kernel/proc/inode_set.h"

#include <stdlib.h>

#include "base/mem.h"

void inode_set_add(struct inode_set *set, uint32_t inode)
{
	size_t i;

	if (!inode)
		return;
	if (set->n * 4 >= set->size * 3) {
		struct inode_set bigger = { .size = set->size ? set->size * 2 : 64 };

		bigger.slots = xcalloc(bigger.size, sizeof(*bigger.slots));
		for (i = 0; i < set->size; i++)
			if (set->slots[i])
				inode_set_add(&bigger, set->slots[i]);
		inode_set_free(set);
		*set = bigger;
	}
	for (i = inode_slot(inode, set->size); set->slots[i];
	     i = i + 1 == set->size ? 0 : i + 1)
		if (set->slots[i] == inode)
			return;
	set->slots[i] = inode;
	set->n++;
}

bool inode_set_has(const struct inode_set *set, uint32_t inode)
{
	size_t i;

	if (!set->size)
		return false;
	for (i = inode_slot(inode, set->size); set->slots[i];
	     i = i + 1 == set->size ? 0 : i + 1)
		if (set->slots[i] == inode)
			return true;
	return false;
}

void inode_set_free(struct inode_set *set)
{
	free(set->slots);
	*set = (struct inode_set){ 0 };
}
