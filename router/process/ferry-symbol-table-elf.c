/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of functions by the symbol tables of their file, where libdw is not there: no files, and no lines.
 *
 * Trust: none in the file. Each place in it is compared with its size before it is read. */

#include "config.h"

#include "process/ferry-symbol-table-private.h"

#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOL_TYPE(info) ((info) &0xf)

struct _FerrySymbolTable
{
  const char *bytes; /* of the whole file */
  uint64_t size;
  uint64_t symbols; /* where the table is, and how many it has */
  uint64_t n_symbols;
  uint64_t names; /* where their names are */
  uint64_t names_size;
};

/* Returns size bytes at place, or NULL where they are not in the file. */
static const void *
get (const FerrySymbolTable *self, uint64_t place, uint64_t size)
{
  return place <= self->size && size <= self->size - place ? self->bytes + place : NULL;
}

static int
read_section (const FerrySymbolTable *self, const ElfW (Ehdr) * head, uint64_t number, ElfW (Shdr) * section)
{
  const void *found =
    number < head->e_shnum ? get (self, head->e_shoff + number * sizeof *section, sizeof *section) : NULL;

  if (found != NULL)
    memcpy (section, found, sizeof *section);
  return found != NULL;
}

/* Takes the table of a section, if it is one of this type, in full. */
static int
take_table (FerrySymbolTable *self, const ElfW (Ehdr) * head, uint64_t number, uint32_t type)
{
  ElfW (Shdr) section;
  ElfW (Shdr) names;

  if (!read_section (self, head, number, &section) || section.sh_type != type ||
      section.sh_entsize != sizeof (ElfW (Sym)) || !read_section (self, head, section.sh_link, &names) ||
      get (self, section.sh_offset, section.sh_size) == NULL || get (self, names.sh_offset, names.sh_size) == NULL)
    return 0;
  self->symbols = section.sh_offset;
  self->n_symbols = section.sh_size / sizeof (ElfW (Sym));
  self->names = names.sh_offset;
  self->names_size = names.sh_size;
  return 1;
}

/* The table of all symbols, or else that of those which others may use. */
static int
find_table (FerrySymbolTable *self)
{
  static const uint32_t types[] = {SHT_SYMTAB, SHT_DYNSYM};
  const void *found = get (self, 0, sizeof (ElfW (Ehdr)));
  ElfW (Ehdr) head;

  if (found == NULL || memcmp (found, ELFMAG, SELFMAG) != 0)
    return 0;
  memcpy (&head, found, sizeof head);
  if (head.e_ident[EI_CLASS] != (sizeof (void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
      head.e_shentsize != sizeof (ElfW (Shdr)))
    return 0;
  for (unsigned i = 0; i < 2; i++)
    for (uint64_t number = 0; number < head.e_shnum; number++)
      if (take_table (self, &head, number, types[i]))
        return 1;
  return 0;
}

FerrySymbolTable *
ferry_symbol_table_open (int fd, const char *path)
{
  FerrySymbolTable *self = calloc (1, sizeof *self);
  struct stat status;
  void *bytes = MAP_FAILED;

  if (fstat (fd, &status) == 0)
    bytes = mmap (NULL, (size_t) status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close (fd);
  if (bytes != MAP_FAILED)
    {
      self->bytes = bytes;
      self->size = (uint64_t) status.st_size;
      if (find_table (self))
        return self;
    }
  free (self);
  return NULL;
}

void
ferry_symbol_table_look_up (FerrySymbolTable *self, uint64_t place, FerrySymbol *symbol)
{
  for (uint64_t i = 0; i < self->n_symbols; i++)
    {
      ElfW (Sym) found;
      const char *name;

      memcpy (&found, self->bytes + self->symbols + i * sizeof found, sizeof found);
      if (SYMBOL_TYPE (found.st_info) != STT_FUNC || found.st_shndx == SHN_UNDEF || place < found.st_value ||
          place - found.st_value >= found.st_size || found.st_name >= self->names_size)
        continue;
      name = self->bytes + self->names + found.st_name;
      if (memchr (name, '\0', self->names_size - found.st_name) == NULL)
        continue;
      symbol->name = name;
      symbol->start = found.st_value;
      return;
    }
}
