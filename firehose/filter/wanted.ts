/** From what a request says of its filter and shard to the source that sends only that. */
import type { EntryFilter } from '../../journal/entry.ts';
import type { JournalReader } from '../../journal/reader.ts';
import { partitionOf } from '../../protocol/log/partitioner.ts';
import type { Filter, StreamRequest } from '../request/stream-request.ts';
import { type EntryPredicate, journalSource, type Source } from '../stream/source.ts';

/** @param reader asked at each step: the journals may be opened anew meanwhile */
export function wantedSource(
  reader: () => JournalReader,
  client: string,
  { filter, shard }: Pick<StreamRequest, 'filter' | 'shard'>,
): Source {
  const predicates: EntryPredicate[] = [];
  if (shard !== undefined && shard.count > 1) {
    // As Kafka's own partitioner would: a client that shards by itself can compute the same.
    predicates.push(({ transaction }) => partitionOf(transaction, shard.count) === shard.index);
  }
  const { expression } = filter;
  if (expression !== undefined) predicates.push(({ frame }) => expression.matches(frame));
  return journalSource(reader, client, entryFilter(filter), allOf(predicates));
}

function allOf(predicates: readonly EntryPredicate[]): EntryPredicate | undefined {
  if (predicates.length === 0) return undefined;
  return (entry) => predicates.every((predicate) => predicate(entry));
}

function entryFilter({ types, transactions, labels, minConfidence }: Filter): EntryFilter | undefined {
  if (types === undefined && transactions === undefined && labels === undefined && minConfidence === undefined) {
    return undefined;
  }
  return {
    ...(types !== undefined && { types }),
    ...(transactions !== undefined && { transactions }),
    ...(labels !== undefined && { labels }),
    ...(minConfidence !== undefined && { minConfidence }),
  };
}
