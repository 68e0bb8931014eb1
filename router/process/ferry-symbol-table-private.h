/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The names of functions in a file, for ferry-symbolizer: with libdw, or by the file's own tables. */

#pragma once

#include <stdint.h>

typedef struct _FerrySymbolTable FerrySymbolTable;

typedef struct
{
  const char *name;   /* (nullable): of the function that has the place */
  uint64_t start;     /* where it begins */
  const char *source; /* (nullable): the file of the source */
  int line;           /* valid with source */
} FerrySymbol;

/* Takes fd. Returns NULL for a file without symbols. Tables stay until the process ends. */
FerrySymbolTable *ferry_symbol_table_open (int fd, const char *path);
/* Finds what has the instruction at this place, as the file's symbols have it. *symbol must be all zero before. */
void ferry_symbol_table_look_up (FerrySymbolTable *self, uint64_t place, FerrySymbol *symbol);
