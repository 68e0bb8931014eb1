/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of functions, with files and lines of their source, by the libdw of elfutils. It finds the symbols that a
 * distribution has in files of their own, too. */

#include "config.h"

#include "process/ferry-symbol-table-private.h"

#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct _FerrySymbolTable
{
  Dwfl *dwfl;
  Dwfl_Module *module;
  int has_lines;
};

/* What is shared by files of symbols, and so has no checksum. */
#define OF_SEVERAL_FILES ((GElf_Word) -1)

/* Finds symbols in a file of their own by what identifies the build, where distributions have them. Whatever else
 * libdw looks for, it would ask servers in the end, by a library that takes three times as long to load as all of this.
 */
static int
find_debuginfo (Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, const char *file,
                const char *debug_file, GElf_Word checksum, char **found)
{
  if (checksum == OF_SEVERAL_FILES)
    return dwfl_standard_find_debuginfo (module, data, name, base, file, debug_file, checksum, found);
  return dwfl_build_id_find_debuginfo (module, data, name, base, file, debug_file, checksum, found);
}

static const Dwfl_Callbacks callbacks = {
  .find_elf = dwfl_build_id_find_elf,
  .find_debuginfo = find_debuginfo,
  .section_address = dwfl_offline_section_address,
};

/* Whether the file is of the C library. Lines of its source are of use to few people, and to find the first one takes
 * a tenth of a second. */
static int
is_of_c_library (const char *path)
{
  static const char *const names[] = {"libc.so.", "ld-linux", "libpthread", "libm.so."};
  const char *name = strrchr (path, '/');

  for (unsigned i = 0; name != NULL && i < sizeof names / sizeof names[0]; i++)
    if (strncmp (name + 1, names[i], strlen (names[i])) == 0)
      return 1;
  return 0;
}

FerrySymbolTable *
ferry_symbol_table_open (int fd, const char *path)
{
  FerrySymbolTable *self = calloc (1, sizeof *self);

  self->dwfl = dwfl_begin (&callbacks);
  if (self->dwfl != NULL)
    self->module = dwfl_report_elf (self->dwfl, path, path, fd, 0, 1);
  self->has_lines = !is_of_c_library (path);
  if (self->module != NULL && dwfl_report_end (self->dwfl, NULL, NULL) == 0)
    return self;
  close (fd);
  free (self);
  return NULL;
}

void
ferry_symbol_table_look_up (FerrySymbolTable *self, uint64_t place, FerrySymbol *symbol)
{
  Dwfl_Line *line = self->has_lines ? dwfl_module_getsrc (self->module, place) : NULL;
  GElf_Off offset = 0;
  GElf_Sym found;

  symbol->name = dwfl_module_addrinfo (self->module, place, &offset, &found, NULL, NULL, NULL);
  symbol->start = place - offset;
  if (line != NULL)
    symbol->source = dwfl_lineinfo (line, NULL, &symbol->line, NULL, NULL, NULL);
}
