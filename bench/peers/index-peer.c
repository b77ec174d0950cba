/*
 * What `npm run bench -- index` compares the reader of an index with: the same work by libmspack and expat, the libraries
 * that a program in C would take. It is given every advantage that keeps the work the same: the file is mapped, inner
 * cabinets are unpacked into memory instead of files, one parser is used again for all fragments, and values are kept in
 * one arena that is never freed.
 *
 *   index-peer MODE FILE
 *
 * Modes: `package` parses package.xml only and keeps its values; `decode` unpacks everything and counts bytes;
 * `selective` parses package.xml, every x/ and l/en/ fragment, and each c/ fragment up to its Properties; `full` parses
 * every fragment. Prints counts as one line of JSON. Exit codes: 0 done, 1 failed, 2 wrong arguments.
 *
 * Build: gcc -O2 -o index-peer index-peer.c -lmspack -lexpat (Debian: libmspack-dev, libexpat1-dev)
 */
#include <ctype.h>
#include <expat.h>
#include <fcntl.h>
#include <mspack.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum mode { PACKAGE, DECODE, SELECTIVE, FULL };
static const char *const mode_names[] = {"package", "decode", "selective", "full"};

static struct {
  unsigned long long members, bytes, files, elements, attributes, text_bytes, updates, locations;
} counts;

static void fail(const char *what, const char *which) {
  fprintf(stderr, "index-peer: %s%s%s\n", what, which == NULL ? "" : ": ", which == NULL ? "" : which);
  exit(1);
}

static void *checked(void *memory) {
  if (memory == NULL) fail("out of memory", NULL);
  return memory;
}

/* ---- Values that are kept ---- */

static char *arena;
static size_t arena_left;

static void *keep(const void *bytes, size_t length) {
  if (length > arena_left) {
    arena_left = length > (1u << 20) ? length : (1u << 20);
    arena = checked(malloc(arena_left));
  }
  char *at = arena;
  memcpy(at, bytes, length);
  arena += length;
  arena_left -= length;
  return at;
}

static char *keep_text(const char *text) { return keep(text, strlen(text) + 1); }

/* A map from texts to records, by open addressing; the number of slots doubles when half of them are used. */
struct slot {
  const char *key;
  void *value;
};
struct map {
  struct slot *slots;
  size_t size, used;
};

static uint64_t hash_of(const char *key) {
  uint64_t hash = 14695981039346656037ull;
  for (; *key != '\0'; key++) hash = (hash ^ (unsigned char)*key) * 1099511628211ull;
  return hash ^ (hash >> 29);
}

static void map_put(struct map *map, const char *key, void *value) {
  if (2 * (map->used + 1) > map->size) {
    struct map larger = {NULL, map->size == 0 ? 1024 : 2 * map->size, map->used};
    larger.slots = checked(calloc(larger.size, sizeof(struct slot)));
    for (size_t i = 0; i < map->size; i++) {
      if (map->slots[i].key == NULL) continue;
      size_t at = hash_of(map->slots[i].key) & (larger.size - 1);
      while (larger.slots[at].key != NULL) at = (at + 1) & (larger.size - 1);
      larger.slots[at] = map->slots[i];
    }
    free(map->slots);
    *map = larger;
  }
  size_t at = hash_of(key) & (map->size - 1);
  while (map->slots[at].key != NULL) {
    if (strcmp(map->slots[at].key, key) == 0) return;
    at = (at + 1) & (map->size - 1);
  }
  map->slots[at].key = key;
  map->slots[at].value = value;
  map->used++;
}

/* A value that an update or a fragment has, in a list of them. */
struct value {
  struct value *next;
  const char *name;
  const char *text;
};
struct record {
  struct value *values;
};

static struct map updates, locations, fragments;
static struct record *current;

static void add_value(const char *name, const char *text) {
  struct value value = {current->values, name, text};
  current->values = keep(&value, sizeof value);
}

static struct record *new_record(void) {
  struct record record = {NULL};
  return keep(&record, sizeof record);
}

/* ---- XML ---- */

static XML_Parser parser;
static int depth;
static int stopped, stops_at_properties;
/* Text of the open element, when it is one whose text is kept. */
static char text[1 << 16];
static size_t text_length;
static int text_wanted;

static const char *attribute(const XML_Char **attributes, const char *name) {
  for (; attributes[0] != NULL; attributes += 2)
    if (strcmp(attributes[0], name) == 0) return attributes[1];
  return NULL;
}

static void keep_attributes(const XML_Char **attributes) {
  for (; attributes[0] != NULL; attributes += 2) add_value(NULL, keep_text(attributes[1]));
}

static void count_start(const XML_Char **attributes) {
  counts.elements++;
  for (; attributes[0] != NULL; attributes += 2) counts.attributes++;
}

static void XMLCALL package_start(void *data, const XML_Char *name, const XML_Char **attributes) {
  (void)data;
  count_start(attributes);
  if (strcmp(name, "Update") == 0) {
    const char *id = attribute(attributes, "RevisionId");
    if (id == NULL) fail("an Update without RevisionId", NULL);
    current = new_record();
    map_put(&updates, keep_text(id), current);
    keep_attributes(attributes);
    counts.updates++;
  } else if (strcmp(name, "FileLocation") == 0) {
    const char *id = attribute(attributes, "Id"), *url = attribute(attributes, "Url");
    if (id == NULL || url == NULL) fail("a FileLocation without Id or Url", NULL);
    map_put(&locations, keep_text(id), keep_text(url));
    counts.locations++;
  } else if (current != NULL && attributes[0] != NULL) {
    keep_attributes(attributes);
  }
}

static int is_kept_text(const char *name) {
  static const char *const names[] = {"KBArticleID", "SecurityBulletinID", "CveID", "AdditionalDigest", "Title"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(name, names[i]) == 0) return 1;
  return 0;
}

static void XMLCALL fragment_start(void *data, const XML_Char *name, const XML_Char **attributes) {
  (void)data;
  if (depth++ == 0) return; /* the root that fragments lack */
  count_start(attributes);
  text_wanted = 0;
  if (stops_at_properties) {
    if (strcmp(name, "UpdateIdentity") == 0) keep_attributes(attributes);
    if (strcmp(name, "Properties") == 0) {
      keep_attributes(attributes);
      stopped = 1;
      XML_StopParser(parser, XML_FALSE);
    }
    return;
  }
  if (strcmp(name, "File") == 0) {
    const char *const names[] = {"Digest", "FileName", "Size"};
    for (int i = 0; i < 3; i++) {
      const char *value = attribute(attributes, names[i]);
      if (value != NULL) add_value(names[i], keep_text(value));
    }
  } else if (strcmp(name, "ExtendedProperties") == 0) {
    const char *severity = attribute(attributes, "MsrcSeverity");
    if (severity != NULL) add_value("MsrcSeverity", keep_text(severity));
  } else if (strcmp(name, "InstallationBehavior") == 0) {
    const char *reboot = attribute(attributes, "RebootBehavior");
    if (reboot != NULL) add_value("RebootBehavior", keep_text(reboot));
  } else if (is_kept_text(name)) {
    text_wanted = 1;
    text_length = 0;
  }
}

static void XMLCALL fragment_end(void *data, const XML_Char *name) {
  (void)data;
  (void)name;
  depth--;
  if (!text_wanted) return;
  text_wanted = 0;
  text[text_length] = '\0';
  add_value(NULL, keep_text(text));
}

static void XMLCALL on_text(void *data, const XML_Char *bytes, int length) {
  (void)data;
  counts.text_bytes += (unsigned)length;
  if (!text_wanted) return;
  if (text_length + (size_t)length >= sizeof text) fail("a text is too long", NULL);
  memcpy(text + text_length, bytes, (size_t)length);
  text_length += (size_t)length;
}

static void parse(const char *bytes, int length, int is_final) {
  if (stopped) return;
  if (XML_Parse(parser, bytes, length, is_final) == XML_STATUS_ERROR && !stopped)
    fail("XML", XML_ErrorString(XML_GetErrorCode(parser)));
}

static int is_fragment;

static void begin_document(int fragment) {
  XML_ParserReset(parser, "UTF-8");
  XML_SetCharacterDataHandler(parser, on_text);
  depth = 0;
  stopped = 0;
  text_wanted = 0;
  is_fragment = fragment;
  if (!fragment) {
    XML_SetStartElementHandler(parser, package_start);
    return;
  }
  XML_SetElementHandler(parser, fragment_start, fragment_end);
  parse("<r>", 3, 0);
}

static void end_document(void) {
  if (is_fragment) parse("</r>", 4, 1);
  else parse("", 0, 1);
  counts.files++;
}

/* ---- Cabinets ---- */

/* Behind the library's opaque `struct mspack_file`. */
struct memory_file {
  const unsigned char *bytes;
  size_t length, position;
};

/* What is written: into memory, to the parser, or nowhere. */
static enum { COUNT, PARSE, COLLECT } output;
static unsigned char *collected;
static size_t collected_length, collected_room;
/* What the next file that is opened for reading is. */
static const unsigned char *next_bytes;
static size_t next_length;
static struct memory_file output_file;

static struct mspack_file *sys_open(struct mspack_system *self, const char *name, int mode) {
  (void)self;
  (void)name;
  if (mode == MSPACK_SYS_OPEN_WRITE) return (struct mspack_file *)&output_file;
  struct memory_file *file = checked(malloc(sizeof *file));
  file->bytes = next_bytes;
  file->length = next_length;
  file->position = 0;
  return (struct mspack_file *)file;
}

static void sys_close(struct mspack_file *handle) {
  if (handle != (struct mspack_file *)&output_file) free(handle);
}

static int sys_read(struct mspack_file *handle, void *buffer, int bytes) {
  struct memory_file *file = (struct memory_file *)handle;
  size_t left = file->length - file->position;
  size_t count = (size_t)bytes < left ? (size_t)bytes : left;
  memcpy(buffer, file->bytes + file->position, count);
  file->position += count;
  return (int)count;
}

static int sys_write(struct mspack_file *handle, void *buffer, int bytes) {
  (void)handle;
  counts.bytes += (unsigned)bytes;
  if (output == PARSE) {
    parse(buffer, bytes, 0);
  } else if (output == COLLECT) {
    if (collected_length + (size_t)bytes > collected_room) return -1;
    memcpy(collected + collected_length, buffer, (size_t)bytes);
    collected_length += (size_t)bytes;
  }
  return bytes;
}

static int sys_seek(struct mspack_file *handle, off_t offset, int mode) {
  struct memory_file *file = (struct memory_file *)handle;
  off_t from = mode == MSPACK_SYS_SEEK_START ? 0 : (off_t)(mode == MSPACK_SYS_SEEK_CUR ? file->position : file->length);
  if (from + offset < 0 || from + offset > (off_t)file->length) return -1;
  file->position = (size_t)(from + offset);
  return 0;
}

static off_t sys_tell(struct mspack_file *handle) { return (off_t)((struct memory_file *)handle)->position; }
static void sys_message(struct mspack_file *file, const char *format, ...) {
  (void)file;
  (void)format;
}
static void *sys_alloc(struct mspack_system *self, size_t bytes) {
  (void)self;
  return malloc(bytes);
}
static void sys_copy(void *source, void *target, size_t bytes) { memcpy(target, source, bytes); }

static struct mspack_system memory_system = {
    sys_open, sys_close, sys_read, sys_write, sys_seek, sys_tell, sys_message, sys_alloc, free, sys_copy, NULL};

static struct mscabd_cabinet *open_cab(struct mscab_decompressor *reader, const unsigned char *bytes, size_t length) {
  next_bytes = bytes;
  next_length = length;
  struct mscabd_cabinet *cab = reader->open(reader, "cabinet");
  if (cab == NULL) fail("a cabinet cannot be opened", NULL);
  return cab;
}

static void extract(struct mscab_decompressor *reader, struct mscabd_file *file) {
  if (reader->extract(reader, file, "file") != MSPACK_ERR_OK) fail("cannot unpack", file->filename);
}

static int is_parsed(enum mode mode, const char *name) {
  if (strcmp(name, "package.xml") == 0) return mode != DECODE;
  switch (mode) {
  case SELECTIVE:
    return strncmp(name, "c\\", 2) == 0 || strncmp(name, "x\\", 2) == 0 || strncmp(name, "l\\en\\", 5) == 0;
  case FULL:
    return strncmp(name, "c\\", 2) == 0 || strncmp(name, "x\\", 2) == 0 || strncmp(name, "l\\", 2) == 0;
  default:
    return 0;
  }
}

static void read_inner(enum mode mode, struct mscab_decompressor *reader, const unsigned char *bytes, size_t length) {
  struct mscabd_cabinet *cab = open_cab(reader, bytes, length);
  /* The cabinet is opened again by its name at each folder. */
  for (struct mscabd_file *file = cab->files; file != NULL; file = file->next) {
    counts.members++;
    next_bytes = bytes;
    next_length = length;
    if (mode == DECODE) {
      output = COUNT;
      extract(reader, file);
      continue;
    }
    if (!is_parsed(mode, file->filename)) continue;
    const int fragment = file->filename[1] == '\\';
    output = PARSE;
    if (fragment) {
      current = new_record();
      map_put(&fragments, keep_text(file->filename), current);
    }
    stops_at_properties = mode == SELECTIVE && file->filename[0] == 'c';
    begin_document(fragment);
    extract(reader, file);
    end_document();
  }
  reader->close(reader, cab);
}

int main(int argc, char **argv) {
  int mode = -1;
  for (int i = 0; argc == 3 && i < 4; i++)
    if (strcmp(argv[1], mode_names[i]) == 0) mode = i;
  if (mode == -1) {
    fprintf(stderr, "usage: index-peer package|decode|selective|full FILE\n");
    return 2;
  }
  int descriptor = open(argv[2], O_RDONLY);
  struct stat status;
  if (descriptor == -1 || fstat(descriptor, &status) == -1) fail("cannot open", argv[2]);
  const unsigned char *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (bytes == MAP_FAILED) fail("cannot map", argv[2]);
  parser = checked(XML_ParserCreate("UTF-8"));

  /* Two readers: each keeps the state of the folder that it is in. */
  struct mscab_decompressor *outer = checked(mspack_create_cab_decompressor(&memory_system));
  struct mscab_decompressor *inner = checked(mspack_create_cab_decompressor(&memory_system));
  /* The largest buffer for packed bytes that the library takes. */
  outer->set_param(outer, MSCABD_PARAM_DECOMPBUF, 65536);
  inner->set_param(inner, MSCABD_PARAM_DECOMPBUF, 65536);

  struct mscabd_cabinet *cab = open_cab(outer, bytes, (size_t)status.st_size);
  for (struct mscabd_file *file = cab->files; file != NULL; file = file->next) {
    const size_t name_length = strlen(file->filename);
    counts.members++;
    if (name_length < 4 || strcmp(file->filename + name_length - 4, ".cab") != 0) continue;
    if (mode == PACKAGE && strcmp(file->filename, "package.cab") != 0) continue;
    if (file->length > collected_room) {
      free(collected);
      collected = checked(malloc(file->length));
      collected_room = file->length;
    }
    collected_length = 0;
    output = COLLECT;
    next_bytes = bytes;
    next_length = (size_t)status.st_size;
    extract(outer, file);
    counts.bytes -= collected_length;
    read_inner((enum mode)mode, inner, collected, collected_length);
  }
  printf("{\"members\":%llu,\"bytes\":%llu,\"files\":%llu,\"elements\":%llu,\"attributes\":%llu,\"textBytes\":%llu,"
         "\"updates\":%llu,\"locations\":%llu}\n",
         counts.members, counts.bytes, counts.files, counts.elements, counts.attributes, counts.text_bytes,
         counts.updates, counts.locations);
  return 0;
}
