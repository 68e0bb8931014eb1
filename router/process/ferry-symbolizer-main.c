/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program that looks up names of functions, for the traces of workers that crashed: it reads questions from
 * standard input, such as “0 11d3 8f3a0c12 /usr/lib/libfoo.so.1”, and writes an answer for each, such as
 * “parse_header+0x24”, a tab and “parse.cpp:211”. What is not known is left empty. The third word identifies the file
 * that the worker has loaded, or is “-”. Where the file is another one by now, its names would be wrong: the answer is
 * two tabs and “changed”.
 *
 * The library is linked for its sandbox alone, which the process enters when it is loaded: see FERRY_SANDBOX in
 * docs/protocol.md. From then on it may read files, and nothing else.
 *
 * Trust: none in the files, nor in their names. A file that is no regular one is not read. */

#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/ferry-module-identity-private.h"
#include "process/ferry-sandbox-private.h"
#include "process/ferry-symbol-table-private.h"

/* How many files are open at a time, and how many questions are answered. */
#define MAX_FILES 32
#define MAX_QUESTIONS 64

/* How much of a name or a file of the source is answered, in bytes: those of templates can be long. */
#define MAX_PART 200

/* When this process gives up, in seconds, whatever it does. */
#define PATIENCE 4

typedef struct
{
  char *path;
  char identity[2 * FERRY_MAX_IDENTITY + 1]; /* in hexadecimal; empty: there is none */
  FerrySymbolTable *table;                   /* NULL: it could not be read */
  int is_open;                               /* whether it could be opened */
} File;

static File files[MAX_FILES];
static unsigned n_files;

/* Opens a regular file. Those of /proc and its like seem to be empty. */
static int
open_file (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status;

  if (fd >= 0 && (fstat (fd, &status) < 0 || !S_ISREG (status.st_mode) || status.st_size == 0))
    {
      close (fd);
      return -1;
    }
  return fd;
}

static void
identify (int fd, File *file)
{
  guint8 identity[FERRY_MAX_IDENTITY];
  struct stat status;
  void *bytes = MAP_FAILED;
  guint32 size = 0;

  if (fstat (fd, &status) == 0)
    bytes = mmap (NULL, (size_t) status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED)
    return;
  size = ferry_module_identify (bytes, (size_t) status.st_size, FALSE, identity);
  for (guint32 i = 0; i < size; i++)
    sprintf (file->identity + 2 * i, "%02x", identity[i]);
  munmap (bytes, (size_t) status.st_size);
}

static const File *
find_file (const char *path)
{
  File *file = &files[n_files];
  int fd;

  for (unsigned i = 0; i < n_files; i++)
    if (strcmp (files[i].path, path) == 0)
      return &files[i];
  if (n_files == MAX_FILES || path[0] != '/')
    return NULL;
  n_files++;
  file->path = strdup (path);
  fd = open_file (path);
  file->is_open = fd >= 0;
  if (file->is_open)
    {
      identify (fd, file);
      file->table = ferry_symbol_table_open (fd, path);
    }
  return file;
}

/* Whether the file is another one than that which the worker has loaded. */
static int
has_changed (const File *file, const char *identity)
{
  return file != NULL && file->is_open && strcmp (identity, "-") != 0 && strcmp (identity, file->identity) != 0;
}

/* Prints a text up to one of some characters, cut, and without those that separate answers. */
static void
print (const char *text, const char *ends)
{
  size_t length = strcspn (text, ends);

  for (length = length < MAX_PART ? length : MAX_PART; length > 0; length--, text++)
    putchar ((unsigned char) *text < ' ' ? '?' : *text);
}

/* Returns a name of C++ as people write it, which the caller frees; NULL for another name. */
static char *
demangle (const char *name)
{
  static char *(*func) (const char *name, char *buffer, size_t *length, int *status);
  static int was_looked_for;
  int status;

  if (strncmp (name, "_Z", 2) != 0)
    return NULL;
  if (!was_looked_for)
    {
      void *library = dlopen ("libstdc++.so.6", RTLD_NOW);

      was_looked_for = 1;
      if (library != NULL)
        *(void **) &func = dlsym (library, "__cxa_demangle");
    }
  return func != NULL ? func (name, NULL, NULL, &status) : NULL;
}

static void
print_place (FerrySymbolTable *table, unsigned long long offset, int is_exact)
{
  FerrySymbol symbol = {0};

  /* The instruction behind a call may be that of another line, or of the next function. */
  ferry_symbol_table_look_up (table, offset - !is_exact, &symbol);
  if (symbol.name != NULL)
    {
      char *readable = demangle (symbol.name);

      /* Behind an @ is the version of a symbol. */
      print (readable != NULL ? readable : symbol.name, readable != NULL ? "" : "@");
      printf ("+0x%llx", offset - symbol.start);
      free (readable);
    }
  putchar ('\t');
  if (symbol.source != NULL)
    {
      const char *name = strrchr (symbol.source, '/');

      print (name != NULL ? name + 1 : symbol.source, "");
      printf (":%d", symbol.line);
    }
}

static void
answer (char *question)
{
  char *end;
  const int is_exact = question[0] == '1';
  const unsigned long long offset = strtoull (question + 1, &end, 16);
  char *identity = *end == ' ' ? end + 1 : end;
  char *path = identity + strcspn (identity, " ");
  const File *file;

  if (*path == ' ')
    *path++ = '\0';
  file = find_file (path);
  if (has_changed (file, identity))
    printf ("\t\tchanged");
  else if (file != NULL && file->table != NULL)
    print_place (file->table, offset, is_exact);
  else
    putchar ('\t');
  putchar ('\n');
}

int
main (void)
{
  char *question = NULL;
  size_t room = 0;
  ssize_t length;

  /* It was entered before, unless the library is linked statically. */
  ferry_sandbox_enter ();
  alarm (PATIENCE);
  for (unsigned i = 0; i < MAX_QUESTIONS && (length = getline (&question, &room, stdin)) > 0; i++)
    {
      if (question[length - 1] == '\n')
        question[length - 1] = '\0';
      answer (question);
    }
  /* Whoever asks waits for the end, and all that is left goes with the process. */
  _exit (fflush (stdout) == 0 ? 0 : 1);
}
