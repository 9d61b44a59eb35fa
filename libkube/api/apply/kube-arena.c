/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-field-set.h"

#define BLOCK (16 * 1024)

typedef struct _Block Block;
struct _Block {
  Block *next; /* (nullable) */
  guint8 data[];
};

struct _KubeArena {
  Block *blocks;
  guint8 *free, *end;
};

/* Each thread keeps one block: most operations need no other. */
static GPrivate spare = G_PRIVATE_INIT (g_free);

static void
add_block (KubeArena *arena, gsize size)
{
  Block *block = g_malloc (sizeof (Block) + size);

  block->next = arena->blocks;
  arena->blocks = block;
  arena->free = block->data;
  arena->end = block->data + size;
}

KubeArena *
kube_arena_new (void)
{
  Block *block = g_private_get (&spare);
  KubeArena *arena;

  if (block != NULL)
    g_private_set (&spare, NULL);
  else
    block = g_malloc (sizeof (Block) + BLOCK);
  block->next = NULL;
  arena = (KubeArena *) block->data; /* it lives in its own first block */
  *arena = (KubeArena){ block, block->data + sizeof (KubeArena), block->data + BLOCK };
  return arena;
}

void
kube_arena_free (KubeArena *arena)
{
  Block *block = arena->blocks;

  while (block->next != NULL) {
    Block *next = block->next;
    g_free (block);
    block = next;
  }
  if (g_private_get (&spare) == NULL)
    g_private_set (&spare, block);
  else
    g_free (block);
}

gpointer
kube_arena_alloc (KubeArena *arena, gsize size)
{
  gpointer memory;

  size = (size + 7) & ~(gsize) 7;
  if (size > (gsize) (arena->end - arena->free))
    add_block (arena, MAX (size, BLOCK));
  memory = arena->free;
  arena->free += size;
  return memory;
}

char *
kube_arena_join (KubeArena *arena, const char *a, const char *b)
{
  gsize a_length = strlen (a), b_size = strlen (b) + 1;
  char *joined = kube_arena_alloc (arena, a_length + b_size);

  memcpy (joined, a, a_length);
  memcpy (joined + a_length, b, b_size);
  return joined;
}

char *
kube_arena_strdup (KubeArena *arena, const char *string)
{
  gsize size = string != NULL ? strlen (string) + 1 : 0;

  return string != NULL ? memcpy (kube_arena_alloc (arena, size), string, size) : NULL;
}
