/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What identifies a build: the build id that its linker has written, or else a checksum of its code. A worker that
 * crashes reads it in memory, and the program that looks up names in the file, which another one may have replaced.
 *
 * Times and numbers of files would be no help: the same file has others in a container, and a copy has the same code.
 *
 * Threads: any, and handlers of signals.
 * Trust:   none in the bytes. Each place is compared with their size before it is read. */

#include "config.h"

#include "process/ferry-module-identity-private.h"

#include <link.h>
#include <string.h>

/* How much code has a part in a checksum, in bytes: a handler of a crash is not to take long. */
#define MAX_CODE (4 << 20)

/* The most program headers that are looked at, and notes of one of them. */
#define MAX_HEADERS 64
#define MAX_NOTES 16

typedef struct
{
  const guint8 *bytes;
  gsize size;
  gboolean is_mapped;
  ElfW (Ehdr) head;
  guint64 start; /* the address that the file has for the first byte, where it is mapped */
} Image;

/* (nullable): size bytes at a place, or NULL where the image has not so many. */
static const guint8 *
get (const Image *self, guint64 place, guint64 size)
{
  return place <= self->size && size <= self->size - place ? self->bytes + place : NULL;
}

static gboolean
get_header (const Image *self, guint number, ElfW (Phdr) * header)
{
  const guint8 *found = number < MIN (self->head.e_phnum, MAX_HEADERS)
                          ? get (self, self->head.e_phoff + number * sizeof *header, sizeof *header)
                          : NULL;

  if (found != NULL)
    memcpy (header, found, sizeof *header);
  return found != NULL;
}

/* (nullable): the bytes of a segment. */
static const guint8 *
get_segment (const Image *self, const ElfW (Phdr) * header)
{
  return get (self, self->is_mapped ? header->p_vaddr - self->start : header->p_offset, header->p_filesz);
}

static gboolean
begin (Image *self)
{
  const guint8 *found = get (self, 0, sizeof self->head);
  ElfW (Phdr) header;

  if (found == NULL || memcmp (found, ELFMAG, SELFMAG) != 0)
    return FALSE;
  memcpy (&self->head, found, sizeof self->head);
  if (self->head.e_phentsize != sizeof header)
    return FALSE;
  for (guint i = 0; get_header (self, i, &header); i++)
    if (header.p_type == PT_LOAD)
      {
        self->start = header.p_vaddr - header.p_offset;
        return TRUE;
      }
  return FALSE;
}

/* Rounds up to a multiple of alignment. */
static guint64
round_up (guint64 size, guint64 alignment)
{
  return (size + alignment - 1) / alignment * alignment;
}

/* Looks for the build id among notes. Returns its size, or 0. */
static guint32
find_build_id (const guint8 *notes, guint64 size, guint64 alignment, guint8 *identity)
{
  for (guint i = 0; i < MAX_NOTES && size >= sizeof (ElfW (Nhdr)); i++)
    {
      ElfW (Nhdr) note;
      guint64 name_end;
      guint64 end;

      memcpy (&note, notes, sizeof note);
      name_end = round_up (sizeof note + (guint64) note.n_namesz, alignment);
      end = name_end + note.n_descsz;
      if (end > size)
        return 0;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof "GNU" &&
          memcmp (notes + sizeof note, "GNU", sizeof "GNU") == 0)
        {
          memcpy (identity, notes + name_end, MIN (note.n_descsz, FERRY_MAX_IDENTITY));
          return MIN (note.n_descsz, FERRY_MAX_IDENTITY);
        }
      end = MIN (round_up (end, alignment), size);
      notes += end;
      size -= end;
    }
  return 0;
}

/* FNV-1a, of words in place of bytes. */
static guint64
add_to_checksum (guint64 checksum, const guint8 *bytes, guint64 size)
{
  while (size > 0)
    {
      const gsize n = (gsize) MIN (size, sizeof checksum);
      guint64 word = 0;

      memcpy (&word, bytes, n);
      checksum = (checksum ^ word) * G_GUINT64_CONSTANT (0x100000001b3);
      bytes += n;
      size -= n;
    }
  return checksum;
}

static guint32
sum_code (const Image *self, guint8 *identity)
{
  guint64 checksum = G_GUINT64_CONSTANT (0xcbf29ce484222325);
  guint64 left = MAX_CODE;
  ElfW (Phdr) header;

  for (guint i = 0; get_header (self, i, &header); i++)
    {
      const guint8 *code =
        header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0 ? get_segment (self, &header) : NULL;
      const guint64 size = code != NULL ? MIN (header.p_filesz, left) : 0;

      checksum = add_to_checksum (checksum, code, size);
      left -= size;
    }
  memcpy (identity, &checksum, sizeof checksum);
  return left < MAX_CODE ? sizeof checksum : 0;
}

guint32
ferry_module_identify (gconstpointer bytes, gsize size, gboolean is_mapped, guint8 *identity)
{
  Image self = {.bytes = bytes, .size = size, .is_mapped = is_mapped};
  ElfW (Phdr) header;
  guint32 found = 0;

  if (!begin (&self))
    return 0;
  for (guint i = 0; found == 0 && get_header (&self, i, &header); i++)
    {
      const guint8 *notes = header.p_type == PT_NOTE ? get_segment (&self, &header) : NULL;

      if (notes != NULL)
        found = find_build_id (notes, header.p_filesz, header.p_align == 8 ? 8 : 4, identity);
    }
  return found > 0 ? found : sum_code (&self, identity);
}
